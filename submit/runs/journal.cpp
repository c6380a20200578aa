#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>

#include "engine/file/file.hpp"
#include "submit/runs/json.hpp"
#include "submit/runs/record.hpp"

namespace act::runs {
namespace {

// No letters that are taken for one another; 32 of them.
constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";

result<void> make_private(const std::string& folder) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return error::from_errno(failed.value(), "cannot make " + folder);
    // What was made just now is for the user alone: logs and commands are nobody else's business.
    if (::chmod(folder.c_str(), 0700) != 0) return error::from_errno(errno, "cannot protect " + folder);
    return {};
}

/// Held while a process appends. On a file of its own, which is never replaced; released by closing.
result<file::descriptor> lock(const std::string& path) {
    file::descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return error::from_errno(errno, "cannot open " + path);
    while (::flock(fd.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return error::from_errno(errno, "cannot lock " + path);
    }
    return fd;
}

}  // namespace

std::string new_id(wall_time at) {
    std::string date = to_iso8601(at);  // 2026-01-02T03:04:05Z
    std::string id = date.substr(0, 4) + date.substr(5, 2) + date.substr(8, 2) + "-" + date.substr(11, 2) +
                     date.substr(14, 2) + date.substr(17, 2) + "-";
    std::random_device random;
    for (int i = 0; i < 6; ++i) id += letters[random() % letters.size()];
    return id;
}

struct journal::impl {
    std::string folder, path, lock_path;
    std::vector<record> records;  ///< oldest first
    std::unordered_map<std::string, std::size_t> by_id;
    std::uint64_t seen = 0;  ///< bytes of the journal that `records` holds
    std::uint64_t inode = 0;

    /// Reads what was appended since; whole lines only.
    result<void> refresh() {
        file::descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd && errno == ENOENT) {
            forget();
            return {};
        }
        if (!fd) return error::from_errno(errno, "cannot open " + path);
        struct stat s;
        if (::fstat(fd.get(), &s) != 0) return error::from_errno(errno, "cannot read " + path);
        auto size = static_cast<std::uint64_t>(s.st_size);
        if (s.st_ino != inode || size < seen) forget();
        inode = s.st_ino;
        if (size == seen) return {};
        std::string fresh(size - seen, '\0');
        std::size_t got = 0;
        while (got < fresh.size()) {
            ssize_t n =
                ::pread(fd.get(), fresh.data() + got, fresh.size() - got, static_cast<off_t>(seen + got));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return error::from_errno(errno, "cannot read " + path);
            if (n == 0) break;
            got += static_cast<std::size_t>(n);
        }
        fresh.resize(got);
        std::size_t whole = fresh.rfind('\n');
        if (whole == std::string::npos) return {};
        for (std::size_t at = 0; at <= whole;) {
            std::size_t end = fresh.find('\n', at);
            take(std::string_view(fresh).substr(at, end - at));
            at = end + 1;
        }
        seen += whole + 1;
        return {};
    }

    void forget() {
        records.clear();
        by_id.clear();
        seen = 0;
    }

    void take(std::string_view line) {
        // Thousands of lines are read for each `act q`: one piece of memory for each instead of dozens.
        std::array<unsigned char, 8192> room;
        boost::json::monotonic_resource memory(room.data(), room.size());
        auto parsed = json::parse(line, path, &memory);
        if (!parsed) return;  // torn by a power cut
        std::string id = json::text(*parsed, "id");
        if (id.empty()) return;
        auto [at, fresh] = by_id.try_emplace(id, records.size());
        if (fresh) records.emplace_back();
        apply(records[at->second], *parsed);
    }

    /// Under the lock. A line is there whole or not at all, as far as this process lives to see it.
    result<void> append(std::string line) {
        file::descriptor fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
        struct stat s;
        if (!fd || ::fstat(fd.get(), &s) != 0) return error::from_errno(errno, "cannot open " + path);
        line += '\n';
        char last = '\n';
        if (s.st_size > 0 && ::pread(fd.get(), &last, 1, s.st_size - 1) == 1 && last != '\n')
            line.insert(0, 1, '\n');
        std::size_t done = 0;
        while (done < line.size()) {
            ssize_t n = ::write(fd.get(), line.data() + done, line.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                int number = errno;
                if (::ftruncate(fd.get(), s.st_size) != 0) number = errno;
                return error::from_errno(number, "cannot write " + path);
            }
            done += static_cast<std::size_t>(n);
        }
        if (::fdatasync(fd.get()) != 0) {
            // Network file systems tell here that the disk is full; what counts as not written must not stay.
            const int number = errno;
            (void)::ftruncate(fd.get(), s.st_size);
            return error::from_errno(number, "cannot write " + path);
        }
        return {};
    }

    bool ending_taken(const std::string& id) const {
        std::string ending = short_id(id);
        return std::any_of(records.begin(), records.end(),
                           [&](const record& r) { return r.id.ends_with(ending); });
    }
};

journal::journal(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
journal::journal(journal&&) noexcept = default;
journal& journal::operator=(journal&&) noexcept = default;
journal::~journal() = default;

const std::string& journal::folder() const { return impl_->folder; }

result<journal> journal::open(const std::string& folder) {
    ACT_TRY_VOID(make_private(folder));
    auto i = std::make_unique<impl>();
    i->folder = folder;
    i->path = folder + "/runs.jsonl";
    i->lock_path = folder + "/runs.lock";
    return journal(std::move(i));
}

result<record> journal::add(record r) {
    ACT_TRY(auto held, lock(impl_->lock_path));
    ACT_TRY_VOID(impl_->refresh());
    r.submitted = now();
    do r.id = new_id(r.submitted);
    while (impl_->ending_taken(r.id));
    if (r.folder.empty()) {
        ACT_TRY_VOID(make_private(impl_->folder + "/runs"));
        r.folder = impl_->folder + "/runs/" + r.id;
        ACT_TRY_VOID(make_private(r.folder));
    }
    if (r.logs.empty()) {
        r.logs = r.folder + "/logs";
        ACT_TRY_VOID(make_private(r.logs));
    }
    ACT_TRY_VOID(impl_->append(boost::json::serialize(to_json(r))));
    return r;
}

result<record> journal::update(const std::string& id, const std::function<void(record&)>& change) {
    ACT_TRY(auto held, lock(impl_->lock_path));
    ACT_TRY_VOID(impl_->refresh());
    auto at = impl_->by_id.find(id);
    if (at == impl_->by_id.end()) return error(kind::not_found, "no run " + id + " in " + impl_->path);
    record r = impl_->records[at->second];
    boost::json::object before = to_json(r);
    change(r);
    r.id = id;
    boost::json::object patch = {{"id", id}};
    for (const auto& [key, value] : to_json(r)) {
        if (value != before[key]) patch[key] = value;
    }
    if (patch.size() > 1) ACT_TRY_VOID(impl_->append(boost::json::serialize(patch)));
    return r;
}

result<void> journal::locked(const std::function<result<void>(const std::vector<record>&)>& look) {
    ACT_TRY(auto held, lock(impl_->lock_path));
    ACT_TRY_VOID(impl_->refresh());
    return look(impl_->records);
}

result<record> journal::find(std::string_view wanted) const {
    // ACT's users paste ids with the slashes of a path around them.
    while (wanted.starts_with('/')) wanted.remove_prefix(1);
    while (wanted.ends_with('/')) wanted.remove_suffix(1);
    if (wanted.empty()) return error(kind::usage, "the id of a run is empty", "`act q` lists the runs");
    ACT_TRY_VOID(impl_->refresh());
    if (auto exact = impl_->by_id.find(std::string(wanted)); exact != impl_->by_id.end()) {
        return impl_->records[exact->second];
    }
    std::vector<const record*> matches;
    for (const auto& r : impl_->records) {
        if (r.id.ends_with(wanted)) matches.push_back(&r);
    }
    if (matches.size() == 1) return *matches.front();
    if (matches.empty()) {
        return error(kind::not_found, "no run whose id ends in '" + std::string(wanted) + "'",
                     "`act q` lists the runs");
    }
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(matches.size(), 5); ++i) {
        list += (i ? ", " : "") + matches[matches.size() - 1 - i]->id;
    }
    if (matches.size() > 5) list += ", ...";
    return error(
        kind::usage,
        std::to_string(matches.size()) + " runs have ids that end in '" + std::string(wanted) + "': " + list,
        "give more characters of the id");
}

result<std::vector<record>> journal::list() const {
    ACT_TRY_VOID(impl_->refresh());
    return std::vector<record>(impl_->records.rbegin(), impl_->records.rend());
}

}  // namespace act::runs
