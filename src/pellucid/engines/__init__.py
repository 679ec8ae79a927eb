"""Engines: what runs a blueprint on numbers. Nothing else knows which one runs."""
