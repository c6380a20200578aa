#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/act/world.hpp"

namespace act::cli {

/// A folder that is gone with the object.
class scratch_folder {
public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "act-cli-XXXXXX").string();
        path_ = ::mkdtemp(name.data()) ? name : throw std::runtime_error("mkdtemp");
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    std::string at(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

inline void write_file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct outcome {
    int code = 0;
    std::string out, problems;
};

/// The whole tool in process, over a project folder and a home of its own.
class tool_test : public testing::Test {
protected:
    outcome act(std::vector<std::string> arguments) {
        std::istringstream in(input_);
        std::ostringstream out, problems;
        world w{.arguments = std::move(arguments),
                .in = in,
                .out = out,
                .problems = problems,
                .environment = environment_,
                .working_directory = directory_,
                .in_is_terminal = terminal_,
                .problems_is_terminal = terminal_,
                .out_descriptor = out_descriptor_,
                .executable = executable_};
        outcome o;
        o.code = run(w);
        o.out = out.str();
        o.problems = problems.str();
        return o;
    }

    void write(const std::string& name, const std::string& text) { write_file(project(name), text); }
    std::string project(const std::string& name) const { return folder_.at("project/" + name); }

    void SetUp() override {
        // The project's root is where aux_data is.
        std::filesystem::create_directories(project("aux_data"));
        std::filesystem::create_directories(folder_.at("home"));
    }

    scratch_folder folder_;
    std::map<std::string, std::string> environment_ = {{"HOME", folder_.at("home")}, {"TERM", "xterm"}};
    std::string directory_ = folder_.at("project");
    std::string input_;
    bool terminal_ = false;
    int out_descriptor_ = -1;
    std::string executable_;  ///< of the jobs' agent
};

}  // namespace act::cli
