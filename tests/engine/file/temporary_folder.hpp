#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace act::file {

/// A folder of one test; everything in it goes with it.
class temporary_folder {
public:
    temporary_folder() {
        if (!::mkdtemp(path_.data())) throw std::runtime_error("mkdtemp");
    }
    ~temporary_folder() {
        std::error_code ignored;
        for (const std::string& locked : locked_) ::chmod(locked.c_str(), 0700);
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + '/' + name; }

    /// Makes the directories above, too.
    void write(const std::string& name, const std::string& content = "x") const {
        const std::filesystem::path full = *this / name;
        std::filesystem::create_directories(full.parent_path());
        std::ofstream(full, std::ios::binary) << content;
    }
    void directory(const std::string& name) const { std::filesystem::create_directories(*this / name); }
    void link(const std::string& name, const std::string& target) const {
        std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
        std::filesystem::create_symlink(target, *this / name);
    }
    /// Nobody may read it (but root).
    void lock(const std::string& name) {
        ::chmod((*this / name).c_str(), 0);
        locked_.push_back(*this / name);
    }
    std::string read(const std::string& name) const {
        std::ifstream in(*this / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// Names of what is in it, sorted.
    std::vector<std::string> names(const std::string& below = ".") const {
        std::vector<std::string> out;
        for (const auto& e : std::filesystem::directory_iterator(*this / below))
            out.push_back(e.path().filename());
        std::sort(out.begin(), out.end());
        return out;
    }

private:
    /// In memory where possible: making thousands of files is most of these tests' time.
    std::string path_ = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/act-file-XXXXXX" : "/tmp/act-file-XXXXXX";
    std::vector<std::string> locked_;
};

}  // namespace act::file
