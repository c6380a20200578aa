#include "submit/stage/unpack.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "engine/codec/zip.hpp"
#include "engine/file/file.hpp"
#include "submit/stage/content_hash.hpp"

namespace act::stage {
namespace fs = std::filesystem;

namespace {

/// Removes a folder that did not become a whole tree.
class scratch {
public:
    explicit scratch(std::string path) : path_(std::move(path)) {}
    ~scratch() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    const std::string& path() const { return path_; }
    void keep() { path_.clear(); }

private:
    std::string path_;
};

error damaged(const std::string& archive, const std::string& why) {
    return error(kind::integrity, archive + ": " + why, "pack the code again with `act init`");
}

/// Would following this link leave the tree? Judged by names alone: what it points to may not be there yet.
bool leads_out(const std::string& name, const std::string& target) {
    if (target.empty() || target.front() == '/' || target.find('\0') != std::string::npos) return true;
    fs::path end = (fs::path(name).parent_path() / target).lexically_normal();
    return !end.empty() && *end.begin() == "..";
}

class unpacker {
public:
    unpacker(const std::string& archive, const std::string& folder, std::uint64_t cap)
        : archive_(archive), folder_(folder), left_(cap) {}

    result<unpacked> run(const codec::zip_reader& zip, const std::string& hash) {
        codec::zip_extractor extractor(zip);
        content_hash seen;
        for (const auto& entry : zip.entries()) {
            if (entry.size > left_) return damaged(archive_, "it unpacks to more than is allowed");
            left_ -= entry.size;
            entry_kind kind = kind_of(entry.mode);
            auto sha = kind == entry_kind::directory ? directory(entry)
                       : kind == entry_kind::link    ? link(entry, extractor)
                                                     : regular(entry, extractor);
            if (!sha) return sha.error();
            seen.add(kind, entry.name, *sha);
        }
        if (seen.finish() != hash) return damaged(archive_, "its content is not what its name says");
        // Links come last: nothing was written through one.
        for (const auto& [name, target] : links_) {
            ACT_TRY_VOID(parents(name));
            if (::symlink(target.c_str(), path_of(name).c_str()) != 0) {
                return error::from_errno(errno, "cannot make the link " + path_of(name));
            }
        }
        return counts_;
    }

private:
    std::string path_of(const std::string& name) const { return folder_ + "/" + name; }

    /// The folder that holds `name`; entries come in order, so it is mostly the last one's.
    result<void> parents(const std::string& name) {
        std::size_t slash = name.rfind('/');
        if (slash == std::string::npos) return {};
        std::string folder = name.substr(0, slash);
        if (folder == last_folder_) return {};
        ACT_TRY_VOID(file::make_directories(path_of(folder)));
        last_folder_ = std::move(folder);
        return {};
    }

    result<std::string> directory(const codec::zip_entry& entry) {
        ACT_TRY_VOID(file::make_directories(path_of(entry.name)));
        return codec::sha256_of({});
    }

    result<std::string> link(const codec::zip_entry& entry, codec::zip_extractor& extractor) {
        if (entry.size > 4096) return damaged(archive_, "the link " + entry.name + " is too long");
        std::string target;
        ACT_TRY_VOID(extractor.extract(entry, [&](codec::bytes_view bytes) -> result<void> {
            target.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return {};
        }));
        if (leads_out(entry.name, target))
            return damaged(archive_, "the link " + entry.name + " leads out of the tree");
        std::string sha = codec::sha256_of(codec::as_bytes(target));
        links_.emplace_back(entry.name, std::move(target));
        return sha;
    }

    result<std::string> regular(const codec::zip_entry& entry, codec::zip_extractor& extractor) {
        ACT_TRY_VOID(parents(entry.name));
        std::string path = path_of(entry.name);
        mode_t mode = kind_of(entry.mode) == entry_kind::executable ? 0777 : 0666;
        file::descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        if (!fd) return error::from_errno(errno, "cannot make " + path);
        codec::digest sha(codec::digest::algorithm::sha256);
        std::uint64_t at = 0;
        ACT_TRY_VOID(extractor.extract(entry, [&](codec::bytes_view bytes) -> result<void> {
            sha.update(bytes);
            ACT_TRY_VOID(file::write_at(fd.get(), bytes, at, path));
            at += bytes.size();
            return {};
        }));
        ++counts_.files;
        counts_.bytes += at;
        return sha.finish();
    }

    const std::string& archive_;
    std::string folder_;
    std::uint64_t left_;
    std::string last_folder_;
    std::vector<std::pair<std::string, std::string>> links_;
    unpacked counts_;
};

}  // namespace

result<unpacked> unpack(const std::string& archive, const std::string& target, const std::string& hash,
                        std::uint64_t cap) {
    struct stat there;
    if (::lstat(target.c_str(), &there) == 0) {
        return error(kind::conflict, "cannot unpack to " + target + ": it exists already");
    }
    ACT_TRY(file::descriptor fd, file::open_read(archive));
    ACT_TRY(file::status info, file::stat_of(fd.get(), archive));
    ACT_TRY(auto zip, codec::zip_reader::open(codec::zip_source_of(fd.get()), info.size, archive));

    ACT_TRY_VOID(file::make_directories(fs::path(target).parent_path().string()));
    std::string pattern = target + ".aside-XXXXXX";
    if (!::mkdtemp(pattern.data())) return error::from_errno(errno, "cannot make a folder beside " + target);
    scratch aside(pattern);
    unpacker work(archive, aside.path(), cap);
    ACT_TRY(unpacked done, work.run(zip, hash));
    // mkdtemp's folder is for the user alone; the code's is like any other.
    mode_t mask = ::umask(0);
    ::umask(mask);
    ::chmod(aside.path().c_str(), 0777 & ~mask);
    if (::rename(aside.path().c_str(), target.c_str()) != 0)
        return error::from_errno(errno, "cannot rename to " + target);
    aside.keep();
    return done;
}

}  // namespace act::stage
