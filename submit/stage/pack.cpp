#include "submit/stage/pack.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "engine/codec/deflate.hpp"
#include "engine/codec/zip.hpp"
#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "submit/stage/pipeline.hpp"
#include "submit/stage/secrets.hpp"
#include "submit/stage/tree.hpp"

namespace act::stage {
namespace {

/// Files above this are stored as they are, streamed: they are models and media, and would need their size in
/// memory twice.
constexpr std::uint64_t whole_in_memory = 64 * MiB;
constexpr std::uint64_t chunk_bytes = MiB;
constexpr std::size_t chunk_files = 64;
constexpr std::uint64_t memory_budget = 160 * MiB;
constexpr std::size_t tile = 256 * KiB;
constexpr int attempts = 3;
/// Code of this size is most likely data that nobody meant to pack.
constexpr std::uint64_t suspicious_bytes = 512 * MiB;

/// Entries [from, to) that one piece of work takes on.
struct chunk {
    std::size_t from, to;
    std::uint64_t bytes;
};

std::vector<chunk> chunks_of(const std::vector<tree_entry>& entries) {
    std::vector<chunk> out;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        bool full = out.empty() || out.back().bytes + entries[i].size > chunk_bytes ||
                    i - out.back().from >= chunk_files;
        if (full) out.push_back({i, i, 0});
        out.back().to = i + 1;
        out.back().bytes += entries[i].size;
    }
    return out;
}

struct read_file {
    std::string sha256;  ///< raw; empty: the entry is left out
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
    std::vector<std::byte> data;
    bool deflated = false;
};

std::string sha256_of_text(std::string_view text) { return codec::sha256_of(codec::as_bytes(text)); }

/// Calls `each` with the file's bytes, tile by tile; how many there were.
result<std::uint64_t> read_tiles(int fd, const std::string& path, const stop_token& stop,
                                 const std::function<result<void>(codec::bytes_view)>& each) {
    std::vector<std::byte> buffer(tile);
    std::uint64_t at = 0;
    for (;;) {
        if (stop.requested()) return error(kind::stopped, "stopped");
        ACT_TRY(std::size_t n, file::read_at(fd, buffer, at, path));
        if (n > 0) ACT_TRY_VOID(each(codec::bytes_view(buffer).first(n)));
        at += n;
        if (n < buffer.size()) return at;
    }
}

class packer {
public:
    packer(act::runtime& rt, const pack_options& o, until u) : runtime_(rt), options_(o), until_(u) {}

    task<result<report>> run() {
        error last;
        for (int i = 0; i < attempts; ++i) {
            auto done = co_await attempt();
            if (done || done.error().kind() != kind::conflict) co_return done;
            last = done.error();
        }
        co_return last;
    }

private:
    task<result<report>> attempt() {
        auto scan = [&] { return scan_tree(options_, omissions_, until_.stop); };
        result<tree> scanned = co_await runtime_.blocking(scan);
        if (!scanned) co_return scanned.error();
        entries_ = std::move(scanned->entries);
        report out;
        out.warnings = std::move(scanned->warnings);

        ACT_CO_TRY_VOID(co_await pass(false, nullptr));
        // What turned out to be a secret, or went away, is not packed.
        std::vector<tree_entry> kept;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (!dropped_[i]) kept.push_back(std::move(entries_[i]));
        }
        entries_ = std::move(kept);
        if (entries_.empty()) {
            co_return error(kind::not_found, "there is no code to pack in " + options_.root,
                            "run this in the project's folder, and see .actignore");
        }
        out.hash = hash_.finish();
        count(out);
        if (out.bytes > suspicious_bytes) {
            out.warnings.push_back("the code is " + human_size(out.bytes) + "; largest is " +
                                   out.largest.front().name +
                                   ". Data belongs into a mapped folder, or a line into .actignore");
        }
        out.archive = options_.folder + "/" + out.hash + ".zip";
        if (auto there = file::stat_of(out.archive)) {
            out.reused = true;
            out.archive_bytes = there->size;
        } else if (!options_.dry_run) {
            ACT_CO_TRY_VOID(co_await write(out));
        }
        omissions_.report_to(out);
        co_return out;
    }

    task<result<void>> write(report& out) {
        auto opened = co_await runtime_.blocking([&]() -> result<file::aside> {
            ACT_TRY_VOID(file::make_directories(options_.folder));
            return file::aside::create(out.archive);
        });
        if (!opened) co_return opened.error();
        file::aside target = std::move(*opened);
        std::uint64_t written = 0;
        codec::zip_writer zip([&](codec::bytes_view bytes) -> result<void> {
            ACT_TRY_VOID(file::write_at(target.fd(), bytes, written, out.archive));
            written += bytes.size();
            return {};
        });
        ACT_CO_TRY_VOID(co_await pass(true, &zip));
        bool changed = std::find(dropped_.begin(), dropped_.end(), true) != dropped_.end();
        if (changed || hash_.finish() != out.hash) {
            co_return error(kind::conflict, "files in " + options_.root + " change while they are packed",
                            "wait until what writes there has ended, then run the same command again");
        }
        auto published = co_await runtime_.blocking([&]() -> result<void> {
            ACT_TRY_VOID(zip.finish());
            // Readable for others of the cluster, as the umask allows: there is no secret in it.
            return target.publish(0644, now());
        });
        if (!published) co_return published.error();
        out.archive_bytes = written;
        co_return result<void>();
    }

    /// Reads all entries, and hashes or also writes them.
    task<result<void>> pass(bool compress, codec::zip_writer* zip) {
        hash_ = content_hash();
        dropped_.assign(entries_.size(), false);
        auto chunks = chunks_of(entries_);
        std::function<std::uint64_t(std::size_t)> weight = [&](std::size_t i) {
            return std::min<std::uint64_t>(chunks[i].bytes, whole_in_memory) * 2 + tile;
        };
        std::function<result<std::vector<read_file>>(std::size_t)> work = [&](std::size_t i) {
            return read(chunks[i], compress);
        };
        std::function<result<void>(std::size_t, std::vector<read_file>)> use =
            [&](std::size_t i, std::vector<read_file> files) {
                return take(chunks[i], std::move(files), zip);
            };
        co_return co_await in_order<std::vector<read_file>>(runtime_, chunks.size(), memory_budget, weight,
                                                            work, use, until_);
    }

    /// On the pool, several at once.
    result<std::vector<read_file>> read(const chunk& c, bool compress) {
        std::vector<read_file> out;
        std::optional<codec::deflater> deflater;
        if (compress) deflater.emplace(options_.level);
        for (std::size_t i = c.from; i < c.to; ++i) {
            const tree_entry& e = entries_[i];
            if (e.kind == entry_kind::link || e.kind == entry_kind::directory) {
                read_file f;
                f.sha256 = sha256_of_text(e.link_target);
                f.size = e.link_target.size();
                auto bytes = codec::as_bytes(e.link_target);
                f.crc = codec::crc32(0, bytes);
                f.data.assign(bytes.begin(), bytes.end());
                out.push_back(std::move(f));
                continue;
            }
            ACT_TRY(auto f, read(e, deflater));
            out.push_back(std::move(f));
        }
        return out;
    }

    result<read_file> read(const tree_entry& e, std::optional<codec::deflater>& deflater) {
        std::string path = options_.root + "/" + e.name;
        auto fd = file::open_read(path);
        if (!fd && fd.error().kind() == kind::not_found) {
            omissions_.add(e.name, "it went away meanwhile");
            return read_file{};
        }
        if (!fd) return error(fd.error()).with_advice("make it readable, or leave it out in .actignore");
        ACT_TRY(file::status now_there, file::stat_of(fd->get(), path));
        read_file out;
        if (now_there.size > whole_in_memory) {
            codec::digest sha(codec::digest::algorithm::sha256);
            ACT_TRY(out.size,
                    read_tiles(fd->get(), path, until_.stop, [&](codec::bytes_view bytes) -> result<void> {
                        sha.update(bytes);
                        if (deflater) out.crc = codec::crc32(out.crc, bytes);
                        return {};
                    }));
            out.sha256 = sha.finish();
            return out;
        }
        std::vector<std::byte> content(now_there.size);
        ACT_TRY(std::size_t n, file::read_at(fd->get(), content, 0, path));
        content.resize(n);
        if (n <= scanned_size) {
            if (auto why = secret_content(content); !why.empty()) {
                omissions_.add(e.name, std::string(why), true);
                return read_file{};
            }
        }
        out.sha256 = codec::sha256_of(content);
        out.size = n;
        if (!deflater) return out;
        out.crc = codec::crc32(0, content);
        deflater->compress(content, out.data);
        out.deflated = out.data.size() < content.size();
        if (!out.deflated) out.data = std::move(content);
        return out;
    }

    /// On the pool, one after the other, in order.
    result<void> take(const chunk& c, std::vector<read_file> files, codec::zip_writer* zip) {
        for (std::size_t i = c.from; i < c.to; ++i) {
            tree_entry& e = entries_[i];
            read_file& f = files[i - c.from];
            if (f.sha256.empty()) {
                dropped_[i] = true;
                continue;
            }
            hash_.add(e.kind, e.name, f.sha256);
            e.size = f.size;
            if (!zip) continue;
            codec::zip_entry entry;
            entry.name = e.name;
            entry.mode = mode_of(e.kind);
            entry.deflated = f.deflated;
            entry.crc32 = f.crc;
            entry.size = f.size;
            bool streamed = f.data.empty() && f.size > 0;
            entry.stored_size = streamed ? f.size : f.data.size();
            ACT_TRY_VOID(streamed ? stream(entry, f.sha256, *zip) : zip->add(entry, f.data));
        }
        return {};
    }

    result<void> stream(const codec::zip_entry& entry, const std::string& sha256, codec::zip_writer& zip) {
        std::string path = options_.root + "/" + entry.name;
        ACT_TRY(auto fd, file::open_read(path));
        ACT_TRY_VOID(zip.begin(entry));
        codec::digest sha(codec::digest::algorithm::sha256);
        std::uint64_t left = entry.size;
        ACT_TRY(std::uint64_t read,
                read_tiles(fd.get(), path, until_.stop, [&](codec::bytes_view bytes) -> result<void> {
                    sha.update(bytes);
                    bytes =
                        bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
                    left -= bytes.size();
                    return bytes.empty() ? result<void>() : zip.append(bytes);
                }));
        if (read != entry.size || sha.finish() != sha256) {
            return error(kind::conflict, path + " changes while it is packed",
                         "wait until what writes there has ended, then run the same command again");
        }
        return {};
    }

    void count(report& out) const {
        for (const auto& e : entries_) {
            if (e.kind == entry_kind::link) ++out.links;
            if (e.kind != entry_kind::file && e.kind != entry_kind::executable) continue;
            ++out.files;
            out.bytes += e.size;
            out.largest.push_back({e.name, e.size});
        }
        auto larger = [](const sized_name& a, const sized_name& b) {
            return std::tie(b.bytes, a.name) < std::tie(a.bytes, b.name);
        };
        auto middle =
            out.largest.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(10, out.largest.size()));
        std::partial_sort(out.largest.begin(), middle, out.largest.end(), larger);
        out.largest.erase(middle, out.largest.end());
    }

    act::runtime& runtime_;
    const pack_options& options_;
    until until_;
    omissions omissions_;
    std::vector<tree_entry> entries_;
    std::vector<char> dropped_;
    content_hash hash_;
};

}  // namespace

task<result<report>> pack(act::runtime& rt, pack_options options, until u) {
    packer p(rt, options, u);
    co_return co_await p.run();
}

}  // namespace act::stage
