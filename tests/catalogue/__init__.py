"""The catalogue of failures; a package, so that its fixtures are its own."""
