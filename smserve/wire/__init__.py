"""The wire contract: `smserve.types` and `smserve.errors` to protocol buffers and back, one topic a file.

Functions come in pairs, `..._to_proto` and `..._from_proto`. The messages are generated from `proto/smserve/v1/`.
"""
