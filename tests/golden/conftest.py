"""make_*.py need PyTorch, which the tests do not: nothing here is collected."""

collect_ignore_glob = ["make_*.py"]
