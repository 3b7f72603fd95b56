// CUDA's headers need this one; the program checks that it is there. Its macros are in cuda_runtime.h.
#include "../cuda_runtime.h"
