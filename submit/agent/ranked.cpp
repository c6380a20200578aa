#include "submit/agent/ranked.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/process.hpp"
#include "submit/runs/log_files.hpp"

namespace act::agent {
namespace {

environment own_environment() {
    environment out;
    for (char** line = ::environ; *line; ++line) {
        if (const char* equals = std::strchr(*line, '='))
            out[std::string(*line, static_cast<std::size_t>(equals - *line))] = equals + 1;
    }
    return out;
}

}  // namespace

std::optional<ranks> set_ranks(const spec& s) {
    auto found = find_ranks(own_environment());
    if (!found) return found;
    for (const auto& [name, value] : rank_variables(*found, s.run)) {
        if (s.env.count(name) == 0) ::setenv(name.c_str(), value.c_str(), 1);
    }
    return found;
}

result<void> write_logs_of(const spec& s, int rank) {
    ACT_TRY_VOID(file::make_directories(s.logs));
    file::descriptor ends[2];
    const char* names[] = {"stdout", "stderr"};
    for (int i = 0; i < 2; ++i) {
        std::string path = s.logs + "/" + runs::log_name(names[i], static_cast<unsigned>(rank));
        ends[i] = file::descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        if (!ends[i]) return error::from_errno(errno, "cannot open " + path);
    }
    redirect(ends[0].get(), ends[1].get());
    return {};
}

void note_failure(const spec& s, int code) {
    // A link is made or not, in one step, over NFS too.
    const std::string path = s.work + "/first-failure";
    const std::string aside = path + "." + std::to_string(::getpid());
    const std::string text = std::to_string(code) + "\n";
    file::descriptor fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd && file::write_at(fd.get(), std::as_bytes(std::span(text)), 0, aside))
        (void)::link(aside.c_str(), path.c_str());
    ::unlink(aside.c_str());
}

}  // namespace act::agent
