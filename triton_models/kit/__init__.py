"""The mathematics of the models, the same functions inside Triton and in process.

Imports only numpy, OpenCV, onnxruntime and the standard library, because Triton's embedded
interpreter needs each of them beside it.
"""
