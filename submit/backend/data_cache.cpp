#include "submit/backend/data_cache.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "engine/core/units.hpp"
#include "engine/file/tree_removal.hpp"
#include "engine/file/tree_size.hpp"
#include "submit/runs/runs.hpp"

namespace act::backend {
namespace fs = std::filesystem;

// Beside the data, in folders whose names are no hashes. NOTES/HASH/X is locked by who uses the folder, holds
// its size and has the time of its last use. It stays when the folder goes: who waits for the lock has it
// open.
namespace {

constexpr const char* notes = "/.notes";
constexpr const char* removed = "/.removed";
constexpr std::size_t note_length = 20;  // of any 64-bit number

std::optional<std::uint64_t> noted_bytes(const std::string& note) {
    auto text = file::read_all(note, note_length);
    std::uint64_t bytes = 0;
    if (!text || text->size() != note_length) return std::nullopt;
    auto [end, problem] = std::from_chars(text->data(), text->data() + note_length, bytes);
    if (problem != std::errc() || end != text->data() + note_length) return std::nullopt;
    return bytes;
}

/// Always as long, so that of two who write at once it is the one's or the other's.
void write_bytes(int note, std::uint64_t bytes) {
    const std::string text = fmt::format("{:0{}}", bytes, note_length);
    (void)file::write_at(note, std::as_bytes(std::span(text)), 0, "the note");
}

result<file::descriptor> open_note(const std::string& path) {
    ACT_TRY_VOID(file::make_directories(fs::path(path).parent_path().string()));
    file::descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return error::from_errno(errno, "cannot open " + path);
    return fd;
}

bool lock(const file::descriptor& fd, int how) {
    while (::flock(fd.get(), how) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

/// Nothing when somebody else has it, or locks do not work there: then nothing is removed.
std::optional<file::descriptor> try_lock_alone(const std::string& path) {
    auto fd = open_note(path);
    if (!fd || !lock(*fd, LOCK_EX | LOCK_NB)) return std::nullopt;
    return std::move(*fd);
}

}  // namespace

struct data_cache::entry {
    std::string name;
    std::uint64_t bytes = 0;
    wall_time used{};
};

result<data_cache> data_cache::open(const cluster::config& c,
                                    const std::map<std::string, std::string>& environment) {
    data_cache out;
    ACT_TRY(const std::string base, runs::cache_folder(environment));
    out.folder_ = base + "/data";
    const std::string key = c.root + "\n" + c.name;
    out.project_ = codec::hex(codec::as_bytes(codec::sha256_of(codec::as_bytes(key)))).substr(0, 16);

    std::string name = "ACT_DATA_CACHE", text;
    if (auto given = environment.find(name); given != environment.end()) text = given->second;
    if (auto given = c.other.find("data_cache"); text.empty() && given != c.other.end())
        name = given->first, text = given->second;
    if (text.empty()) return out;
    out.bound_ = parse_size(text);
    if (out.bound_) return out;
    return error(kind::configuration, name + " cannot be '" + text + "'",
                 "give the size that fetched data may take on this machine, such as 200G");
}

std::string data_cache::note_of(const std::string& name) const { return folder_ + notes + "/" + name; }

result<held_data> data_cache::hold(const std::string& folder) const {
    held_data out{.name = project_ + "/" + folder, .path = {}, .bytes = {}, .lock = {}};
    out.path = folder_ + "/" + out.name;
    ACT_TRY(out.lock, open_note(note_of(out.name)));
    // Where locks do not work nobody removes anything.
    (void)lock(out.lock, LOCK_SH);
    out.bytes = noted_bytes(note_of(out.name));
    // Used now; and its size is about to change, so that who is killed leaves it unknown.
    (void)::ftruncate(out.lock.get(), 0);
    return out;
}

void data_cache::fetched(const held_data& held, bool changed) const {
    write_bytes(held.lock.get(), !changed && held.bytes ? *held.bytes : file::bytes_in(held.path));
}

std::uint64_t data_cache::bound(std::uint64_t total, std::uint64_t free) const {
    return bound_ ? *bound_ : total / 2 + free / 2;
}

data_cache::entry data_cache::look_at(std::string name) const {
    entry out{.name = std::move(name), .bytes = 0, .used = now()};
    const std::string note = note_of(out.name);
    if (auto info = file::stat_of(note)) out.used = info->modified;
    if (auto known = noted_bytes(note)) {
        out.bytes = *known;
        return out;
    }
    out.bytes = file::bytes_in(folder_ + "/" + out.name);
    // Left by a killed process or an older version; who fetches notes the size itself.
    if (auto alone = try_lock_alone(note)) write_bytes(alone->get(), out.bytes);
    return out;
}

std::vector<data_cache::entry> data_cache::all() const {
    std::vector<entry> out;
    std::error_code ignored;
    for (fs::directory_iterator project(folder_, ignored), end; project != end; project.increment(ignored)) {
        const std::string hash = project->path().filename().string();
        if (hash.starts_with('.')) continue;
        for (fs::directory_iterator at(project->path(), ignored); at != end; at.increment(ignored))
            out.push_back(look_at(hash + "/" + at->path().filename().string()));
    }
    return out;
}

/// Of removals that were interrupted, or failed.
void data_cache::clear_removed() const {
    std::error_code ignored;
    for (fs::directory_iterator at(folder_ + removed, ignored), end; at != end; at.increment(ignored))
        (void)file::remove_tree(at->path().string());
}

/// False: somebody needs it.
result<bool> data_cache::remove(const std::string& name, const std::function<result<names>()>& in_use) const {
    auto alone = try_lock_alone(note_of(name));
    if (!alone) return false;
    ACT_TRY(const names needed, in_use());
    if (needed.count(name)) return false;
    const std::string path = folder_ + "/" + name;
    ACT_TRY_VOID(file::nothing_mounted(path));
    ACT_TRY_VOID(file::make_directories(folder_ + removed));
    std::string aside = folder_ + removed + "/XXXXXX";
    if (!::mkdtemp(aside.data())) return error::from_errno(errno, "cannot make a folder to remove " + path);
    if (::rename(path.c_str(), (aside + "/data").c_str()) != 0) {
        const int number = errno;
        ::rmdir(aside.c_str());
        return error::from_errno(number, "cannot remove " + path);
    }
    // Whoever fetches it again need not wait for this.
    alone.reset();
    ACT_TRY_VOID(file::remove_tree(aside));
    return true;
}

std::vector<std::string> data_cache::keep_within_bound(const std::function<result<names>()>& in_use) const {
    std::vector<std::string> said;
    // Two at a time would together remove more than they have to.
    auto alone = try_lock_alone(folder_ + notes + "/remover");
    if (!alone) return said;
    clear_removed();
    std::vector<entry> entries = all();
    std::uint64_t total = 0;
    for (const auto& e : entries) total += e.bytes;
    std::error_code failed;
    const auto disk = fs::space(folder_, failed);
    const std::uint64_t most = bound(total, failed ? total : disk.available);
    if (total <= most) return said;

    std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) { return a.used < b.used; });
    std::string gone, problem;
    std::size_t count = 0;
    constexpr std::size_t most_named = 3;
    for (const auto& e : entries) {
        if (total <= most) break;
        auto done = remove(e.name, in_use);
        if (!done && problem.empty()) problem = done.error().describe();
        if (!done || !*done) continue;
        total -= e.bytes;
        if (++count <= most_named)
            gone += fmt::format("{}{} ({})", gone.empty() ? "" : ", ", e.name, human_size(e.bytes));
    }
    if (count > most_named) gone += fmt::format(" and {} more", count - most_named);
    if (count > 0)
        said.push_back(fmt::format("removed from fetched data in {}, which may take {}: {}", folder_,
                                   human_size(most), gone));
    if (!problem.empty())
        said.push_back("warning: fetched data takes more than it may: " + problem +
                       "; remove it by hand when no run needs it");
    return said;
}

}  // namespace act::backend
