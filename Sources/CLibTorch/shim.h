// LibTorch's headers are C++ and never reach Swift: this module only carries the flags of libtorch.pc.
