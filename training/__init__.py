"""Learn an image embedding by smart mining and export it as `model.onnx`; see `python -m training --help`."""
