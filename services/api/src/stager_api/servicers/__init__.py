"""The contract's services: each method turns a message into a question to a use case, and the answer back."""
