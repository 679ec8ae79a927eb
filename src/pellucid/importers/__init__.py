"""Networks of other libraries, taken over: their layers, their weights, our layouts.

No module here imports the library that it reads: objects are known by the names of
their classes and by their attributes.
"""
