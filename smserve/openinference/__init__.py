"""Messages and stubs of the Open Inference Protocol, generated from `proto/smserve/openinference/`.

Their protocol buffer package is `inference`, as the specification says, wherever the Python modules lie. A process that
has loaded another copy of it, tritonclient's for example, can't load these: only `smserve serve --open-inference` does.
"""
