// Settings from the environment, and the counts that the log reports.
#pragma once
#include <mutex>
#include <string>
#include <vector>

/// A version such as 13.0.
struct Version {
    int major, minor;
};

/// Values of the environment variables; README.md describes them. An empty text stands for a variable that is not set.
struct Settings {
    std::string cache, log, refuse;
    std::string real_nvrtc, real_include, real_refusals;
    std::vector<std::string> real_architectures;
    int capability;
    Version driver, nvrtc;
    bool execute;
};

/// Ends the process if a variable has a value that cannot be read.
const Settings &settings();

/// Counts of this process. The log has them as one line of JSON when the process ends.
struct Counts {
    long kernels, compiled, refused, launches;
    long copies_up, bytes_up, copies_down, bytes_down;
    long bytes, peak_bytes;
};
extern Counts counts;

/// Everything the emulator does is behind this lock.
extern std::mutex emulator_lock;

/// Prints the reason and ends the process.
[[noreturn]] void stop(const std::string &reason);

/// Splits a text at each `separator`; an empty text has no parts.
std::vector<std::string> split(const std::string &text, char separator);
