// The threads of a block as fibers: each has a stack of its own, and they take turns on one thread of the host.
// A fiber runs until it waits or ends. Warps take turns only at waits of the whole block.
#include "fibers.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <sys/mman.h>

#ifndef __x86_64__
#error "the switch of stacks is written for x86-64"
#endif

namespace {

/// Saves the registers that a call must preserve on this stack, stores the stack's address in `*from`, and goes on
/// with stack `to`.
extern "C" void emulator_switch(void **from, void *to);
asm(R"(
    .text
    .type emulator_switch, @function
emulator_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");

enum class State { ready, waits_for_warp, waits_for_block, ended };

struct Fiber {
    char *stack;
    void *position;
    State state;
};

struct Warp {
    /// Threads that were at the last wait of this warp.
    unsigned here;
    /// Waits so far. Mailboxes alternate, so that a thread may write for the next wait while others still read.
    unsigned waits;
    char mailboxes[2][emulator_warp_size * emulator_mailbox_bytes];
};

constexpr size_t stack_bytes = 256 * 1024;
constexpr size_t page_bytes = 4096;

// One block runs at a time: the driver holds a lock during a launch.
std::vector<Fiber> fibers;
std::vector<Warp> warps;
unsigned block_threads;
/// The running thread, and the end of its warp.
unsigned current, warp_end;
void *scheduler_position;
void (*block_thread)(void *context, unsigned index);
void *block_context;

void stop(const char *reason) {
    fprintf(stderr, "CUDA emulator: %s\n", reason);
    abort();
}

/// Lets other threads run. The next one of the warp starts without a detour through the scheduler, which saves time.
void leave(State state) {
    Fiber &fiber = fibers[current];
    fiber.state = state;
    bool has_next = current + 1 < warp_end && fibers[current + 1].state == State::ready;
    if (has_next) current++;
    emulator_switch(&fiber.position, has_next ? fibers[current].position : scheduler_position);
}

void run_fiber() {
    block_thread(block_context, current);
    leave(State::ended);
    stop("a thread that had ended was resumed");
}

/// A stack with a page below it that cannot be used, so that an overflow ends the process.
char *new_stack() {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *stack = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (stack == MAP_FAILED || mprotect(stack, page_bytes, PROT_NONE) != 0) stop("no memory for the stack of a thread");
    return static_cast<char *>(stack);
}

void prepare(unsigned index) {
    Fiber &fiber = fibers[index];
    if (fiber.stack == nullptr) fiber.stack = new_stack();
    // Tops at equal offsets in their pages would compete for the same lines of the cache.
    size_t offset = 64 + index % 61 * 320;
    void **top = reinterpret_cast<void **>(fiber.stack + stack_bytes - offset);
    *--top = nullptr;
    *--top = reinterpret_cast<void *>(run_fiber);
    for (int saved_register = 0; saved_register < 6; saved_register++) *--top = nullptr;
    fiber.position = top;
    fiber.state = State::ready;
}

/// Runs the threads from `first` to before `end`, one warp, until each has ended or waits for the block.
bool run_warp(Warp &warp, unsigned first, unsigned end) {
    bool ran = false;
    warp_end = end;
    for (;;) {
        for (current = first; current < end; current++)
            if (fibers[current].state == State::ready) {
                ran = true;
                emulator_switch(&scheduler_position, fibers[current].position);
            }
        unsigned here = 0;
        for (unsigned index = first; index < end; index++)
            if (fibers[index].state == State::waits_for_warp) {
                fibers[index].state = State::ready;
                here |= 1u << (index - first);
            }
        if (here == 0) return ran;
        warp.here = here;
        warp.waits++;
    }
}

void run_block(unsigned threads, void (*thread)(void *context, unsigned index), void *context) {
    if (fibers.size() < threads) fibers.resize(threads, Fiber{});
    warps.resize((threads + emulator_warp_size - 1) / emulator_warp_size);
    block_threads = threads;
    block_thread = thread;
    block_context = context;
    for (unsigned index = 0; index < threads; index++) prepare(index);
    for (bool ran = true; ran;) {
        ran = false;
        for (unsigned first = 0; first < threads; first += emulator_warp_size) {
            unsigned end = first + emulator_warp_size < threads ? first + emulator_warp_size : threads;
            ran |= run_warp(warps[first / emulator_warp_size], first, end);
        }
        for (unsigned index = 0; index < threads; index++)
            if (fibers[index].state == State::waits_for_block) fibers[index].state = State::ready;
    }
    block_threads = 0;
}

Warp &current_warp() {
    if (block_threads == 0) stop("a kernel waits, but its source names no function that waits");
    return warps[current / emulator_warp_size];
}

void wait_for_block() {
    current_warp();
    leave(State::waits_for_block);
}

unsigned wait_for_warp() {
    Warp &warp = current_warp();
    leave(State::waits_for_warp);
    return warp.here;
}

char *mailboxes() {
    Warp &warp = current_warp();
    return warp.mailboxes[warp.waits % 2];
}

}  // namespace

const EmulatorRuntime fibers_runtime = {run_block, wait_for_block, wait_for_warp, mailboxes};
