#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "tool.hpp"
#include "tools/act/location.hpp"

namespace act::cli {

/// The whole tool with streams for its standard input and output, and the forms of locations.
class streams_test : public tool_test {
protected:
    struct streamed {
        int code = 0;
        std::string out, problems, data;
    };

    /// A run whose standard input holds `input`, and what came out of the descriptor of standard output.
    streamed stream(std::vector<std::string> arguments, const std::string& input = {}) {
        const int in = ::memfd_create("in", MFD_CLOEXEC), data = ::memfd_create("out", MFD_CLOEXEC);
        EXPECT_EQ(::pwrite(in, input.data(), input.size(), 0), static_cast<ssize_t>(input.size()));
        std::istringstream nothing;
        std::ostringstream out, problems;
        world w{.arguments = std::move(arguments),
                .in = nothing,
                .out = out,
                .problems = problems,
                .environment = environment_,
                .working_directory = directory_,
                .in_descriptor = in,
                .out_descriptor = data};
        streamed s;
        s.code = run(w);
        s.out = out.str();
        s.problems = problems.str();
        s.data.resize(static_cast<std::size_t>(::lseek(data, 0, SEEK_END)));
        EXPECT_EQ(::pread(data, s.data.data(), s.data.size(), 0), static_cast<ssize_t>(s.data.size()));
        ::close(in);
        ::close(data);
        return s;
    }

    location parsed(const std::string& word, plain meaning = plain::local) {
        std::istringstream in;
        std::ostringstream out;
        world w{.arguments = {},
                .in = in,
                .out = out,
                .problems = out,
                .environment = environment_,
                .working_directory = directory_};
        auto r = parse_location(w, word, meaning);
        EXPECT_TRUE(r) << word << ": " << r.error().describe();
        return r ? *r : location();
    }
    error refused(const std::string& word) {
        std::istringstream in;
        std::ostringstream out;
        world w{.arguments = {}, .in = in, .out = out, .problems = out, .working_directory = directory_};
        auto r = parse_location(w, word, plain::local);
        EXPECT_FALSE(r) << word;
        return r ? error() : r.error();
    }
};

/// Files to copy.
class copying : public streams_test {
protected:
    void fill() {
        write("voc/a.txt", "alpha");
        write("voc/sub/b.txt", "beta!");
        write("one", "1");
    }
    std::string listed(const std::string& path) { return act({"ls", "--json", path}).out; }
};

}  // namespace act::cli
