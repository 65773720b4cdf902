"""What holds for every test."""

import os

# gRPC's handlers around fork() abort one in a hundred children of a process with calls under way. None of our services
# forks where gRPC is loaded (the worker loads none, the API starts its helpers by vfork), but tests do: one process
# has clients of the API in it and starts s-isync as the worker does.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
