"""make_*.py need PyTorch, which the tests do not: nothing here is collected."""

collect_ignore = ["make_golden.py", "make_images.py"]
