"""make_golden.py needs PyTorch, which the tests do not: nothing here is collected."""

collect_ignore = ["make_golden.py"]
