#include "submit/stage/pack.hpp"

#include <algorithm>
#include <mutex>
#include <tuple>

#include "engine/codec/base64.hpp"
#include "engine/core/units.hpp"
#include "submit/stage/archive_file.hpp"
#include "submit/stage/contents.hpp"
#include "submit/stage/pipeline.hpp"

namespace act::stage {
namespace {

constexpr std::uint64_t chunk_bytes = MiB;
constexpr std::size_t chunk_files = 64;
constexpr std::size_t looked_at_together = 1024;
constexpr std::uint64_t memory_budget = 160 * MiB;
constexpr std::uint64_t overhead = 256 * KiB;
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

/// Its size. Nothing when there is none, or one that a power loss has torn: that is written anew.
std::optional<std::uint64_t> whole_archive(const std::string& path) {
    auto fd = file::open_read(path);
    if (!fd) return std::nullopt;
    auto info = file::stat_of(fd->get(), path);
    if (!info) return std::nullopt;
    if (!codec::zip_reader::open(codec::zip_source_of(fd->get()), info->size, path)) return std::nullopt;
    return info->size;
}

/// An archive without a name yet.
struct draft {
    explicit draft(archive_file f)
        : file(std::move(f)), zip([this](codec::bytes_view bytes) { return file.append(bytes); }) {}
    archive_file file;
    codec::zip_writer zip;
};

class packer {
public:
    packer(act::runtime& rt, const pack_options& o, until u)
        : runtime_(rt), options_(o), until_(u), contents_(o, omissions_, u.stop) {}

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
        started_ = now();
        report out;
        auto look = [&]() -> result<void> {
            if (options_.indexed) contents_.use(tree_index::load(index_path()));
            ACT_TRY(tree scanned, scan_tree(options_, omissions_, until_.stop));
            entries_ = std::move(scanned.entries);
            out.warnings = std::move(scanned.warnings);
            return {};
        };
        result<void> looked = co_await runtime_.blocking(look);
        if (!looked) co_return looked.error();

        read_ = compressed_ = 0;
        // Of files that nothing is known of all must be read: then they are packed, too, whatever the name of
        // it will be.
        std::unique_ptr<draft> made;
        if (!options_.dry_run && contents_.index().archive.empty()) {
            ACT_CO_TRY(made, co_await begin_archive());
        }
        ACT_CO_TRY_VOID(co_await pass(made ? &made->zip : nullptr));
        out.read = made ? compressed_ : read_;
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
        if (made) ACT_CO_TRY_VOID(co_await still_the_same());
        out.archive = options_.folder + "/" + out.hash + ".zip";
        auto look_again = [&] { return whole_archive(out.archive); };
        const std::optional<std::uint64_t> there = co_await runtime_.blocking(look_again);
        if (there) {
            out.reused = true;
            out.archive_bytes = *there;
            if (!options_.dry_run) mark_used(out.archive);
        }
        if (!options_.dry_run) ACT_CO_TRY_VOID(co_await write(made, out));
        omissions_.report_to(out);
        co_return out;
    }

    /// What is not there yet: the archive, in which case `made` may be it, and the index.
    task<result<void>> write(std::unique_ptr<draft>& made, report& out) {
        if (!out.reused) {
            if (!made) ACT_CO_TRY_VOID(co_await pack_anew(made, out));
            out.compressed = compressed_;
            auto end = [&] { return made->zip.finish(); };
            ACT_CO_TRY_VOID(co_await runtime_.blocking(end));
            out.archive_bytes = made->zip.size();
        }
        result<void> noted, published;
        auto save = [](packer& p, const report& out, result<void>& noted) -> task<void> {
            auto note = [&] { return p.remember(out); };
            noted = co_await p.runtime_.blocking(note);
        };
        auto publish = [](packer& p, draft& d, const report& out, result<void>& published) -> task<void> {
            auto name = [&] { return d.file.publish(out.archive); };
            published = co_await p.runtime_.blocking(name);
        };
        // The one makes the processor work, the other the disk.
        task_group both;
        if (options_.indexed) both.spawn(loop::current(), save(*this, out, noted));
        if (!out.reused) both.spawn(loop::current(), publish(*this, *made, out, published));
        co_await both.join();
        if (!noted) {
            out.warnings.push_back("all files are read again next time: " + noted.error().describe());
        }
        co_return published;
    }

    task<result<void>> pack_anew(std::unique_ptr<draft>& made, const report& out) {
        ACT_CO_TRY(made, co_await begin_archive());
        ACT_CO_TRY_VOID(co_await pass(&made->zip));
        bool changed = std::find(dropped_.begin(), dropped_.end(), true) != dropped_.end();
        if (changed || hash_.finish() != out.hash) co_return changing();
        co_return result<void>();
    }

    error changing() const {
        return error(kind::conflict, "files in " + options_.root + " change while they are packed",
                     "wait until what writes there has ended, then run the same command again");
    }

    /// What is read once only may be half written, or older than what was read before it.
    task<result<void>> still_the_same() {
        const std::size_t pieces = (entries_.size() + looked_at_together - 1) / looked_at_together;
        std::function<std::uint64_t(std::size_t)> weight = [](std::size_t) { return 1; };
        std::function<result<bool>(std::size_t)> look = [this](std::size_t i) -> result<bool> {
            const std::size_t end = std::min(entries_.size(), (i + 1) * looked_at_together);
            tree_files files(options_.root);
            for (std::size_t at = i * looked_at_together; at < end; ++at) {
                const tree_entry& e = entries_[at];
                if (is_file(e.kind) && files.look(e.name) != e.seen) return changing();
            }
            return true;
        };
        std::function<result<void>(std::size_t, bool)> use = [](std::size_t, bool) { return result<void>(); };
        co_return co_await in_order<bool>(runtime_, pieces, memory_budget, weight, look, use, until_);
    }

    task<result<std::unique_ptr<draft>>> begin_archive() {
        auto open = [&]() -> result<std::unique_ptr<draft>> {
            ACT_TRY(auto file, archive_file::create_in(options_.folder));
            return std::make_unique<draft>(std::move(file));
        };
        co_return co_await runtime_.blocking(open);
    }

    std::string index_path() const {
        std::string key = codec::hex(codec::as_bytes(codec::sha256_of(codec::as_bytes(options_.root))));
        return options_.folder + "/index/" + key.substr(0, 32);
    }

    /// For the next time. Where nothing was written, packed forms are still where they were.
    result<void> remember(const report& out) const {
        const tree_index& old = contents_.index();
        tree_index next;
        const bool still_there = out.reused && !old.archive.empty();
        next.archive = still_there ? old.archive : out.hash;
        next.archive_bytes = still_there ? old.archive_bytes : out.archive_bytes;
        for (const auto& e : entries_) {
            if (!is_file(e.kind) || !e.seen) continue;
            indexed_file f;
            f.name = e.name;
            f.stamp = *e.seen;
            f.settled = std::max(e.seen->modified, e.seen->changed) + options_.settling <= started_;
            f.sha256 = e.sha256;
            f.packed = e.packed;
            const packed_form* known = out.reused ? old.form_of(e.sha256) : nullptr;
            if (known) f.packed = *known;
            next.add(std::move(f));
        }
        return next.save(index_path());
    }

    /// Goes through all entries and identifies them, or writes them, too.
    task<result<void>> pass(codec::zip_writer* zip) {
        hash_ = content_hash();
        dropped_.assign(entries_.size(), false);
        auto chunks = chunks_of(entries_);
        std::function<std::uint64_t(std::size_t)> weight = [&](std::size_t i) {
            return std::min<std::uint64_t>(chunks[i].bytes, options_.whole_in_memory) * 2 + overhead;
        };
        std::function<result<std::vector<content>>(std::size_t)> work = [&](std::size_t i) {
            return contents_of(chunks[i], zip != nullptr);
        };
        std::function<result<void>(std::size_t, std::vector<content>)> use =
            [&](std::size_t i, std::vector<content> found) { return take(chunks[i], std::move(found), zip); };
        co_return co_await in_order<std::vector<content>>(runtime_, chunks.size(), memory_budget, weight,
                                                          work, use, until_);
    }

    /// On the pool, several at once.
    result<std::vector<content>> contents_of(const chunk& c, bool packed) {
        std::vector<content> out;
        out.reserve(c.to - c.from);
        std::unique_ptr<workspace> space = take_workspace();
        for (std::size_t i = c.from; i < c.to; ++i) {
            ACT_TRY(auto found,
                    packed ? contents_.packed(entries_[i], *space) : contents_.identify(entries_[i], *space));
            out.push_back(std::move(found));
        }
        space->files.forget();
        const std::lock_guard held(mutex_);
        spaces_.push_back(std::move(space));
        return out;
    }

    std::unique_ptr<workspace> take_workspace() {
        {
            const std::lock_guard held(mutex_);
            if (!spaces_.empty()) {
                auto space = std::move(spaces_.back());
                spaces_.pop_back();
                return space;
            }
        }
        return std::make_unique<workspace>(options_);
    }

    /// On the pool, one after the other, in order.
    result<void> take(const chunk& c, std::vector<content> found, codec::zip_writer* zip) {
        for (std::size_t i = c.from; i < c.to; ++i) {
            tree_entry& e = entries_[i];
            content& f = found[i - c.from];
            if (f.sha256.empty()) {
                dropped_[i] = true;
                continue;
            }
            hash_.add(e.kind, e.name, f.sha256);
            e.size = f.size;
            e.sha256 = f.sha256;
            if (f.read) ++(zip ? compressed_ : read_);
            // The look by which it was identified.
            if (!e.seen) e.seen = f.seen;
            if (zip) ACT_TRY_VOID(put(e, f, *zip));
        }
        return {};
    }

    result<void> put(tree_entry& e, const content& f, codec::zip_writer& zip) {
        codec::zip_entry entry;
        entry.name = e.name;
        entry.mode = mode_of(e.kind);
        entry.deflated = f.deflated;
        entry.crc32 = f.crc;
        entry.size = f.size;
        bool streamed = f.data.empty() && f.size > 0;
        entry.stored_size = streamed ? f.size : f.data.size();
        ACT_TRY_VOID(streamed ? contents_.stream(entry, f.sha256, zip) : zip.add(entry, f.data));
        e.packed = {zip.size() - entry.stored_size, entry.stored_size, f.size, f.crc, f.deflated,
                    streamed ? 0 : check_of(f.data)};
        return {};
    }

    void count(report& out) const {
        for (const auto& e : entries_) {
            if (e.kind == entry_kind::link) ++out.links;
            if (!is_file(e.kind)) continue;
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
    contents contents_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<workspace>> spaces_;  ///< those that nobody works in
    wall_time started_{};
    std::uint64_t read_ = 0, compressed_ = 0;
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
