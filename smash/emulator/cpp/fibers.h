// Threads of a block that wait for each other.
#pragma once
#include "include/emulator_interface.h"

/// The functions that kernels call to start threads and to wait. Only one block may run at a time.
extern const EmulatorRuntime fibers_runtime;
