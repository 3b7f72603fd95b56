// Stand-in for libcuda: the functions that burn-cuda calls, for one device.
// Each call has done its work when it returns.
#include "fibers.h"
#include "kernels.h"
#include "settings.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>

#include <sys/mman.h>

namespace {

enum Status {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_INVALID_IMAGE = 200,
    CUDA_ERROR_NOT_FOUND = 500,
    CUDA_ERROR_NOT_SUPPORTED = 801,
};

using Address = uint64_t;

constexpr size_t memory_bytes = size_t(16) << 30;
constexpr unsigned most_threads = 1024;

/// Bytes of each allocation on the device.
std::map<Address, size_t> allocations;

// Streams and events have no state, because nothing is pending. Their handles only need to differ from null.
char handle;

/// Whether the bytes are all inside one allocation.
bool is_on_device(Address address, size_t bytes) {
    auto next = allocations.upper_bound(address);
    if (next == allocations.begin()) return false;
    auto found = std::prev(next);
    return address + bytes <= found->first + found->second;
}

char *pointer(Address address) { return reinterpret_cast<char *>(address); }

Status give_handle(void **target) {
    *target = &handle;
    return CUDA_SUCCESS;
}

/// The most shared memory that a block can ask for.
int shared_bytes() {
    switch (settings().capability) {
    case 75: return 65536;
    case 80: case 87: return 166912;
    case 86: case 89: case 120: return 101376;
    default: return settings().capability < 80 ? 98304 : emulator_shared_bytes;
    }
}

Status allocate(Address *address, size_t bytes) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (bytes > memory_bytes - counts.bytes) return CUDA_ERROR_OUT_OF_MEMORY;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    *address = reinterpret_cast<Address>(memory);
    allocations[*address] = bytes;
    counts.bytes += bytes;
    if (counts.bytes > counts.peak_bytes) counts.peak_bytes = counts.bytes;
    return CUDA_SUCCESS;
}

Status release(Address address) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    auto found = allocations.find(address);
    if (found == allocations.end()) return CUDA_ERROR_INVALID_VALUE;
    munmap(pointer(address), found->second);
    counts.bytes -= found->second;
    allocations.erase(found);
    return CUDA_SUCCESS;
}

void count_up(size_t bytes) {
    counts.copies_up++;
    counts.bytes_up += bytes;
}

void count_down(size_t bytes) {
    counts.copies_down++;
    counts.bytes_down += bytes;
}

}  // namespace

extern "C" {

// ---- Errors and versions

Status cuInit(unsigned) { return CUDA_SUCCESS; }

/// A real NVRTC asks the driver for it, and goes on without it.
Status cuGetExportTable(const void **table, const void *) {
    *table = nullptr;
    return CUDA_ERROR_NOT_SUPPORTED;
}

Status cuDriverGetVersion(int *version) {
    *version = settings().driver.major * 1000 + settings().driver.minor * 10;
    return CUDA_SUCCESS;
}

Status cuGetErrorName(Status status, const char **name) {
    switch (status) {
    case CUDA_SUCCESS: *name = "CUDA_SUCCESS"; break;
    case CUDA_ERROR_INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; break;
    case CUDA_ERROR_OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
    case CUDA_ERROR_INVALID_DEVICE: *name = "CUDA_ERROR_INVALID_DEVICE"; break;
    case CUDA_ERROR_INVALID_IMAGE: *name = "CUDA_ERROR_INVALID_IMAGE"; break;
    case CUDA_ERROR_NOT_FOUND: *name = "CUDA_ERROR_NOT_FOUND"; break;
    case CUDA_ERROR_NOT_SUPPORTED: *name = "CUDA_ERROR_NOT_SUPPORTED"; break;
    default: *name = nullptr; return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

Status cuGetErrorString(Status status, const char **text) { return cuGetErrorName(status, text); }

// ---- The device

Status cuDeviceGet(int *device, int index) {
    *device = index;
    return index == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

Status cuDeviceGetCount(int *count) {
    *count = 1;
    return CUDA_SUCCESS;
}

Status cuDeviceGetName(char *name, int length, int) {
    snprintf(name, length, "CUDA emulator");
    return CUDA_SUCCESS;
}

Status cuDeviceTotalMem_v2(size_t *bytes, int) {
    *bytes = memory_bytes;
    return CUDA_SUCCESS;
}

Status cuDeviceGetAttribute(int *value, int attribute, int) {
    switch (attribute) {
    case 1: *value = most_threads; break;               // threads of a block
    case 2: case 3: *value = most_threads; break;       // sizes of a block
    case 4: *value = 64; break;
    case 5: *value = INT32_MAX; break;                  // sizes of a grid
    case 6: case 7: *value = UINT16_MAX; break;
    case 10: *value = emulator_warp_size; break;
    case 16: *value = 40; break;                        // multiprocessors
    case 75: *value = settings().capability / 10; break;
    case 76: *value = settings().capability % 10; break;
    case 97: *value = shared_bytes(); break;
    default: return CUDA_ERROR_NOT_SUPPORTED;
    }
    return CUDA_SUCCESS;
}

Status cuDevicePrimaryCtxRetain(void **context, int) { return give_handle(context); }
Status cuCtxSetCurrent(void *) { return CUDA_SUCCESS; }

// ---- Streams and events

Status cuStreamCreate(void **stream, unsigned) { return give_handle(stream); }
Status cuStreamWaitEvent(void *, void *, unsigned) { return CUDA_SUCCESS; }
Status cuStreamSynchronize(void *) { return CUDA_SUCCESS; }
Status cuEventCreate(void **event, unsigned) { return give_handle(event); }
Status cuEventRecord(void *, void *) { return CUDA_SUCCESS; }
Status cuEventSynchronize(void *) { return CUDA_SUCCESS; }
Status cuEventDestroy_v2(void *) { return CUDA_SUCCESS; }

// ---- Memory

Status cuMemAlloc_v2(Address *address, size_t bytes) { return allocate(address, bytes); }
Status cuMemAllocAsync(Address *address, size_t bytes, void *) { return allocate(address, bytes); }
Status cuMemFree_v2(Address address) { return release(address); }
Status cuMemFreeAsync(Address address, void *) { return release(address); }

Status cuMemAllocHost_v2(void **memory, size_t bytes) {
    return posix_memalign(memory, 4096, bytes) == 0 ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

Status cuMemFreeHost(void *memory) {
    free(memory);
    return CUDA_SUCCESS;
}

Status cuMemcpyHtoDAsync_v2(Address target, const void *source, size_t bytes, void *) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    if (!is_on_device(target, bytes)) return CUDA_ERROR_INVALID_VALUE;
    memcpy(pointer(target), source, bytes);
    count_up(bytes);
    return CUDA_SUCCESS;
}

Status cuMemcpyDtoHAsync_v2(void *target, Address source, size_t bytes, void *) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    if (!is_on_device(source, bytes)) return CUDA_ERROR_INVALID_VALUE;
    memcpy(target, pointer(source), bytes);
    count_down(bytes);
    return CUDA_SUCCESS;
}

enum MemoryType : int { host_memory = 1, device_memory = 2 };

/// One side of a copy of rows, as CUDA lays it out.
struct Side {
    size_t x, y;
    MemoryType type;
    char *host;
    Address device;
    void *array;
    size_t pitch;
};

struct CopyOfRows {
    Side source, target;
    size_t width, height;
};

Status cuMemcpy2DAsync_v2(const CopyOfRows *copy, void *) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    if (copy->width == 0 || copy->height == 0) return CUDA_SUCCESS;
    char *starts[2];
    const Side *sides[] = {&copy->source, &copy->target};
    for (int i = 0; i < 2; i++) {
        const Side &side = *sides[i];
        size_t first = side.y * side.pitch + side.x;
        if (side.x + copy->width > side.pitch) return CUDA_ERROR_INVALID_VALUE;
        if (side.type == host_memory) {
            starts[i] = side.host + first;
        } else if (side.type == device_memory) {
            size_t bytes = (copy->height - 1) * side.pitch + copy->width;
            if (!is_on_device(side.device + first, bytes)) return CUDA_ERROR_INVALID_VALUE;
            starts[i] = pointer(side.device) + first;
        } else {
            return CUDA_ERROR_NOT_SUPPORTED;
        }
    }
    for (size_t row = 0; row < copy->height; row++)
        memcpy(starts[1] + row * copy->target.pitch, starts[0] + row * copy->source.pitch, copy->width);
    if (copy->source.type == host_memory) count_up(copy->width * copy->height);
    if (copy->target.type == host_memory) count_down(copy->width * copy->height);
    return CUDA_SUCCESS;
}

Status cuTensorMapEncodeTiled() { return CUDA_ERROR_NOT_SUPPORTED; }
Status cuTensorMapEncodeIm2col() { return CUDA_ERROR_NOT_SUPPORTED; }
Status cuTensorMapEncodeIm2colWide() { return CUDA_ERROR_NOT_SUPPORTED; }

// ---- Kernels

Status cuModuleLoadData(const Kernel **module, const char *image) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    *module = load_kernel(image);
    return *module != nullptr ? CUDA_SUCCESS : CUDA_ERROR_INVALID_IMAGE;
}

Status cuModuleGetFunction(const Kernel **function, const Kernel *module, const char *name) {
    *function = module;
    return module->name == name ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

Status cuFuncSetAttribute(const Kernel *, int attribute, int value) {
    const int most_dynamic_shared_bytes = 8;
    if (attribute != most_dynamic_shared_bytes) return CUDA_ERROR_NOT_SUPPORTED;
    return value <= shared_bytes() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

Status cuLaunchKernel(const Kernel *kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                      unsigned block_y, unsigned block_z, unsigned shared, void *, void **arguments, void **extra) {
    std::lock_guard<std::mutex> guard(emulator_lock);
    if (extra != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
    uint64_t threads = uint64_t(block_x) * block_y * block_z;
    bool is_empty = grid_x == 0 || grid_y == 0 || grid_z == 0 || threads == 0;
    if (is_empty || threads > most_threads || int(shared) > shared_bytes()) return CUDA_ERROR_INVALID_VALUE;
    counts.launches++;
    EmulatorLaunch launch = {arguments, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, &fibers_runtime};
    if (kernel->entry != nullptr) kernel->entry(&launch);
    return CUDA_SUCCESS;
}

}  // extern "C"
