"""What a camera's frames mean. Pure but for `democlip` and `bench`; the adapters hold OpenCV and onnxruntime."""
