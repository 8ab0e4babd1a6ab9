"""The generated wire contract (made from `proto/smserve/v1/` by `proto/generate.py`; not committed)."""
