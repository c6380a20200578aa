#pragma once

#include <memory>
#include <string>
#include <sys/types.h>

#include "engine/async/stop.hpp"
#include "engine/core/result.hpp"
#include "engine/file/file.hpp"

/// Where `act bench` works on this machine: a folder for its files, and, where nothing else is to be
/// measured, a store.
namespace act::cli {

struct world;

/// How much `act bench` moves.
struct bench_sizes {
    std::uint64_t large = 0;
    std::uint64_t small_count = 0, small_size = 0;
    /// On the disk, with what a file system takes for each file.
    std::uint64_t files() const { return large + small_count * ((small_size + 4095) / 4096 * 4096 + 1024); }
};

/// Halves what is largest until `copies` of all files fit into `room`; true when something had to give.
bool shrink_to(bench_sizes&, std::uint64_t copies, std::uint64_t room);

/// What may be written to a folder: free space, and where it is memory, half of what is available of that.
std::uint64_t room_in(const std::string& folder);
/// A folder for so many bytes: in memory if there is room, else the temporary one, else the larger.
std::string folder_with_room(const world&, std::uint64_t bytes);

/// A new folder that is gone with the object, whatever is in it.
class scratch {
public:
    static result<std::unique_ptr<scratch>> in(const std::string& folder);
    ~scratch();
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    const std::string& path() const { return path_; }
    std::string at(const std::string& name) const { return path_ + '/' + name; }

private:
    explicit scratch(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

/// Writes `bytes` of noise that neither compresses nor repeats. The seconds that the file system took.
result<double> write_noise(const std::string& path, std::uint64_t bytes, std::uint64_t seed,
                           const until& = {});

/// `act serve` as a process of its own, so that what this process uses is the client's alone. Out of reach
/// of the terminal's Ctrl-C, and gone with this process.
class store_process {
public:
    /// `log`: a file for what it says.
    static result<std::unique_ptr<store_process>> start(const world&, const std::string& root,
                                                        const std::string& log);
    ~store_process();
    store_process(const store_process&) = delete;
    store_process& operator=(const store_process&) = delete;
    pid_t pid() const { return pid_; }
    const std::string& endpoint() const { return endpoint_; }

private:
    store_process(pid_t pid, file::descriptor says) : pid_(pid), says_(std::move(says)) {}
    pid_t pid_;
    file::descriptor says_;
    std::string endpoint_;
};

}  // namespace act::cli
