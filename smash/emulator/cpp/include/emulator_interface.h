// The contract between the emulator and a compiled kernel. Both sides include this file.
#pragma once

/// An index or a size in three dimensions, like CUDA's `dim3`.
struct EmulatorIndex {
    unsigned x, y, z;
};

/// Threads of a warp.
constexpr unsigned emulator_warp_size = 32;

/// Bytes that a thread can hand to the other threads of its warp at a time.
constexpr unsigned emulator_mailbox_bytes = 16;

/// Bytes of shared memory that a block can have.
constexpr unsigned emulator_shared_bytes = 232448;

/// Functions of the emulator that a kernel calls when its threads wait for each other.
struct EmulatorRuntime {
    /// Calls `thread(context, index)` for each index below `threads`, each on a stack of its own.
    void (*run_block)(unsigned threads, void (*thread)(void *context, unsigned index), void *context);
    /// Returns when all threads of the block that have not ended are here.
    void (*wait_for_block)();
    /// Returns when each thread of the warp has ended or waits. Bit `i` of the result says whether thread `i` was here.
    unsigned (*wait_for_warp)();
    /// The mailboxes of this warp up to its next wait: `emulator_warp_size` times `emulator_mailbox_bytes`.
    char *(*mailboxes)();
};

/// One launch of a kernel.
struct EmulatorLaunch {
    /// For each parameter of the kernel, the address of its value.
    void **arguments;
    EmulatorIndex grid, block;
    const EmulatorRuntime *runtime;
};

/// The function that each compiled kernel exports under the name `emulator_launch`.
using EmulatorEntry = void (*)(const EmulatorLaunch *launch);
