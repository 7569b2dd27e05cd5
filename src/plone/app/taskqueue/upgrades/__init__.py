"""Steps from one version of the default profile to the next.

The first release has profile version 1000 and no steps.  A change of
``profiles/default`` that existing sites need raises the version in its
``metadata.xml`` by one and comes with a step here: a function in a module
named after the version that it leads to (``v1001.py``), registered in
``configure.zcml``.  A step may run twice, so it looks before it changes.
"""
