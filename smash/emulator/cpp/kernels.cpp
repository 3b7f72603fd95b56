// Compiles kernels with g++ into shared libraries. A folder, the cache, holds them; several processes may share it.
#include "kernels.h"
#include "real_nvrtc.h"
#include "settings.h"

#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace {

const std::string image_start = "// CUDA emulator: ";

// Options of NVRTC that the emulator understands; it ignores all others.
const std::string include_start = "--include-path=", architecture_start = "--gpu-architecture=";

const char *const headers[] = {
    "cuda_bf16.h", "cuda_fp16.h", "cuda_runtime.h", "emulator_interface.h", "emulator_small_floats.h", "mma.h",
};

// Contractions and other orders of sums would make results depend on the compiler.
const std::vector<std::string> compiler_options = {
    "-std=c++17",      "-O2",     "-ffp-contract=off", "-fno-strict-aliasing", "-fno-math-errno",
    "-fno-exceptions", "-shared", "-fPIC",             "-fvisibility=hidden",  "-w",
};

/// Functions whose use makes threads wait for each other, as parts of their names.
const char *const waiting_functions[] = {"__sync", "_sync(", "__activemask("};

bool starts_with(const std::string &text, const std::string &start) { return text.rfind(start, 0) == 0; }

bool exists(const std::string &file) { return access(file.c_str(), F_OK) == 0; }

std::string read(const std::string &file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

/// Writes a file in one step, so that other processes see all of it or nothing.
void write(const std::string &file, const std::string &text) {
    std::string part = file + "." + std::to_string(getpid());
    std::ofstream stream(part);
    if (!(stream << text << std::flush) || rename(part.c_str(), file.c_str()) != 0)
        stop(file + ": cannot be written: " + strerror(errno));
}

/// 128 bits that stand for a text: FNV-1a with two starts.
std::string digest(const std::string &text) {
    uint64_t parts[] = {0xcbf29ce484222325, 0x9ae16a3b2f90404f};
    for (uint64_t &part : parts)
        for (unsigned char byte : text) part = (part ^ byte) * 0x100000001b3;
    char name[33];
    snprintf(name, sizeof name, "%016llx%016llx", (unsigned long long)parts[0], (unsigned long long)parts[1]);
    return name;
}

/// Name of the function behind `__global__ void`. Attributes may come before it: names that start with `__`, each with
/// a list in parentheses.
std::string kernel_name(const std::string &source) {
    const std::string start = "__global__ void";
    size_t at = source.find(start);
    if (at == std::string::npos) return "";
    for (at += start.size();;) {
        size_t first = source.find_first_not_of(" \n", at), end = source.find_first_of(" \n(", first);
        size_t list = source.find('(', first);
        if (list == std::string::npos) return "";
        std::string word = source.substr(first, end - first);
        if (!starts_with(word, "__")) return word;
        at = source.find(')', list) + 1;
    }
}

/// The source as g++ compiles it.
std::string host_source(std::string source, const std::string &name) {
    bool waits = false;
    for (const char *function : waiting_functions) waits |= source.find(function) != std::string::npos;
    const std::string shared = "extern __shared__", renamed = "extern __dynamic_shared__";
    for (size_t at = 0; (at = source.find(shared, at)) != std::string::npos; at += renamed.size())
        source.replace(at, shared.size(), renamed);
    const char *entry = waits ? "EMULATOR_ENTRY_WAITING" : "EMULATOR_ENTRY_ALONE";
    return "#include <cuda_runtime.h>\n" + source + "\n" + entry + "(" + name + ")\n";
}

/// Runs a command with its messages in a file. Returns whether it succeeded.
bool run(const std::vector<std::string> &command, const std::string &messages) {
    std::vector<char *> arguments;
    for (const std::string &argument : command) arguments.push_back(const_cast<char *>(argument.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    pid_t child;
    int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) stop(command[0] + ": " + strerror(error));
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) stop(command[0] + ": " + strerror(errno));
    return status == 0;
}

std::vector<std::string> include_folders(const std::vector<std::string> &options) {
    std::vector<std::string> folders;
    for (const std::string &option : options)
        if (starts_with(option, include_start)) folders.push_back(option.substr(include_start.size()));
    return folders;
}

/// Compiles `FILE.cpp` into `FILE.so`, unless another process has done so.
bool compile_file(const std::string &file, const std::vector<std::string> &include_options, std::string &log) {
    std::string library = file + ".so", part = library + "." + std::to_string(getpid()), messages = part + ".messages";
    if (exists(library)) return true;
    std::vector<std::string> command = {"g++", file + ".cpp", "-o", part};
    command.insert(command.end(), compiler_options.begin(), compiler_options.end());
    command.insert(command.end(), include_options.begin(), include_options.end());
    counts.compiled++;
    bool accepted = run(command, messages);
    if (!accepted) log += "g++ refuses " + file + ".cpp:\n" + read(messages);
    unlink(messages.c_str());
    if (accepted && rename(part.c_str(), library.c_str()) != 0) stop(library + ": " + strerror(errno));
    return accepted;
}

/// Compiles a kernel to run here. `key` becomes the name of its files in the cache. It stands for everything that the
/// library depends on: the source, the headers and the options.
bool compile_for_host(const std::string &source, const std::string &name, const std::vector<std::string> &options,
                      std::string &key, std::string &log) {
    std::string text = host_source(source, name), identity = text;
    std::vector<std::string> include_options;
    for (const std::string &folder : include_folders(options)) {
        if (!exists(folder + "/emulator_interface.h")) {
            log += folder + ": these are not the emulator's headers; CUDA_PATH must name the emulator's folder\n";
            return false;
        }
        for (const char *header : headers) identity += read(folder + "/" + header);
        include_options.push_back("-I" + folder);
    }
    for (const std::string &option : compiler_options) identity += option;
    key = digest(identity);
    std::string file = settings().cache + "/" + key;
    if (!exists(file + ".cpp")) write(file + ".cpp", text);
    return compile_file(file, include_options, log);
}

/// NVRTC's options with the headers of a real CUDA and, if it is not empty, with another architecture.
std::vector<std::string> card_options(const std::vector<std::string> &options, const std::string &architecture) {
    std::vector<std::string> changed;
    for (const std::string &option : options) {
        bool is_other = !starts_with(option, architecture_start) || architecture.empty();
        if (is_other && !starts_with(option, include_start)) changed.push_back(option);
    }
    for (const std::string &folder : split(settings().real_include, ':')) changed.push_back(include_start + folder);
    if (!architecture.empty()) changed.push_back(architecture_start + architecture);
    return changed;
}

/// Passes a kernel to the real NVRTC, for each of the architectures. The cache remembers what it accepted.
bool compile_for_card(const std::string &source, const std::string &name, const std::vector<std::string> &options,
                      std::string &log) {
    static std::string error;
    static const RealNvrtc nvrtc(settings().real_nvrtc, error);
    if (!error.empty()) stop(settings().real_nvrtc + ": " + error);
    std::vector<std::string> architectures = settings().real_architectures;
    if (architectures.empty()) architectures = {""};
    bool accepted = true;
    for (const std::string &architecture : architectures) {
        std::vector<std::string> changed = card_options(options, architecture);
        std::string identity = source + settings().real_nvrtc, messages;
        for (const std::string &option : changed) identity += " " + option;
        std::string memory = settings().cache + "/" + digest(identity) + ".accepted";
        if (exists(memory)) continue;
        if (nvrtc.compile(source, changed, messages)) {
            write(memory, name + "\n");
            continue;
        }
        accepted = false;
        log += messages;
        if (settings().real_refusals.empty()) continue;
        std::ofstream refusals(settings().real_refusals, std::ios::app);
        refusals << architecture << " " << name << ":\n" << messages << std::flush;
    }
    return accepted;
}

}  // namespace

bool compile_kernel(const std::string &source, const std::vector<std::string> &options, std::string &image,
                    std::string &log) {
    counts.kernels++;
    std::string name = kernel_name(source), key = "not-executed";
    bool accepted = true;
    if (settings().cache.empty()) {
        log += "EMULATED_CUDA_CACHE must name a folder for compiled kernels\n";
        accepted = false;
    } else if (name.empty()) {
        log += "the source has no kernel\n";
        accepted = false;
    } else if (!settings().refuse.empty() && source.find(settings().refuse) != std::string::npos) {
        log += "refused on purpose: the source contains `" + settings().refuse + "`, as EMULATED_CUDA_REFUSE asks\n";
        accepted = false;
    } else {
        mkdir(settings().cache.c_str(), 0777);
        if (!settings().real_nvrtc.empty()) accepted = compile_for_card(source, name, options, log);
        if (accepted && settings().execute) accepted = compile_for_host(source, name, options, key, log);
    }
    if (!accepted) counts.refused++;
    image = image_start + key + " " + name + "\n";
    return accepted;
}

const Kernel *load_kernel(const std::string &image) {
    static std::map<std::string, Kernel> kernels;
    std::string key, name;
    std::istringstream words(image);
    words.ignore(image_start.size());
    if (!starts_with(image, image_start) || !(words >> key >> name)) return nullptr;
    auto known = kernels.find(key + name);
    if (known != kernels.end()) return &known->second;
    EmulatorEntry entry = nullptr;
    if (settings().execute) {
        void *library = dlopen((settings().cache + "/" + key + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library != nullptr) entry = reinterpret_cast<EmulatorEntry>(dlsym(library, "emulator_launch"));
        if (entry == nullptr) {
            fprintf(stderr, "CUDA emulator: %s\n", dlerror());
            return nullptr;
        }
    }
    return &kernels.emplace(key + name, Kernel{name, entry}).first->second;
}
