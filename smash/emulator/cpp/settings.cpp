#include "settings.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

Counts counts;
std::mutex emulator_lock;

void stop(const std::string &reason) {
    fprintf(stderr, "CUDA emulator: %s\n", reason.c_str());
    abort();
}

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

namespace {

std::string text(const char *name, const char *otherwise = "") {
    const char *value = getenv(name);
    return value != nullptr ? value : otherwise;
}

int number(const char *name, const char *otherwise) {
    std::string value = text(name, otherwise);
    int result, end = 0;
    if (sscanf(value.c_str(), "%d%n", &result, &end) != 1 || value[end] != '\0')
        stop(std::string(name) + ": expected a whole number, found `" + value + "`");
    return result;
}

Version version(const char *name) {
    std::string value = text(name, "13.0");
    Version result;
    int end = 0;
    if (sscanf(value.c_str(), "%d.%d%n", &result.major, &result.minor, &end) != 2 || value[end] != '\0')
        stop(std::string(name) + ": expected a version such as 13.0, found `" + value + "`");
    return result;
}

Settings read_settings() {
    Settings read;
    read.cache = text("EMULATED_CUDA_CACHE");
    read.log = text("EMULATED_CUDA_LOG");
    read.refuse = text("EMULATED_CUDA_REFUSE");
    read.capability = number("EMULATED_CUDA_CAPABILITY", "75");
    read.driver = version("EMULATED_CUDA_DRIVER_VERSION");
    read.nvrtc = version("EMULATED_CUDA_NVRTC_VERSION");
    read.execute = number("EMULATED_CUDA_EXECUTE", "1") != 0;
    read.real_nvrtc = text("EMULATED_CUDA_REAL_NVRTC");
    read.real_include = text("EMULATED_CUDA_REAL_INCLUDE");
    read.real_architectures = split(text("EMULATED_CUDA_REAL_ARCHITECTURES"), ',');
    read.real_refusals = text("EMULATED_CUDA_REAL_REFUSALS");
    return read;
}

/// Appends the counts to the log when the process ends. A process that only looked for the library has no line.
struct Report {
    ~Report() {
        if (counts.peak_bytes == 0 || settings().log.empty()) return;
        std::ostringstream line;
        line << "{\"kernels\": " << counts.kernels << ", \"compiled\": " << counts.compiled
             << ", \"refused\": " << counts.refused << ", \"launches\": " << counts.launches
             << ", \"copies_up\": " << counts.copies_up << ", \"bytes_up\": " << counts.bytes_up
             << ", \"copies_down\": " << counts.copies_down << ", \"bytes_down\": " << counts.bytes_down
             << ", \"peak_bytes\": " << counts.peak_bytes << "}\n";
        std::ofstream(settings().log, std::ios::app) << line.str() << std::flush;
    }
} report;

}  // namespace

const Settings &settings() {
    // Never destroyed, because the report reads it at the very end.
    static const Settings &read = *new Settings(read_settings());
    return read;
}
