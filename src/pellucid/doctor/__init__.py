"""The doctor: what keeps a network from learning, with the evidence and the remedy."""

from pellucid.doctor.callback import Doctor, DoctorWarning
from pellucid.doctor.examination import diagnose
from pellucid.doctor.findings import Diagnosis, Finding

__all__ = ["Diagnosis", "Doctor", "DoctorWarning", "Finding", "diagnose"]
