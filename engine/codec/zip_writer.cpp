#include <sys/stat.h>

#include "engine/codec/zip.hpp"
#include "engine/codec/zip_format.hpp"
#include "engine/core/utf8.hpp"

namespace act::codec {

using namespace zip_format;

struct zip_writer::state {
    zip_sink sink;
    std::uint64_t written = 0;
    std::uint64_t entries = 0;
    std::uint64_t missing = 0;  ///< bytes of the current entry not yet given
    std::string directory;      ///< the central directory so far
    std::string scratch;
    bool finished = false, broken = false;

    result<void> put(bytes_view data) {
        if (data.empty()) return {};
        auto done = sink(data);
        if (done) {
            written += data.size();
        } else {
            broken = true;
        }
        return done;
    }

    result<void> ready(std::string_view name) const {
        if (!finished && !broken && missing == 0) return {};
        std::string text = "zip: cannot add '" + printable(name) + "': ";
        if (broken) return error(kind::internal, text + "an earlier write failed");
        if (finished) return error(kind::internal, text + "the archive is finished");
        return error(kind::usage, text + "the entry before it is not whole: it changed while it was read");
    }

    void add_to_directory(const zip_entry&, std::uint64_t offset);
};

namespace {

std::uint32_t low32(std::uint64_t value) {
    return value >= in_zip64 ? in_zip64 : static_cast<std::uint32_t>(value);
}

/// Version to flags to crc, which local and central records share; then the sizes.
void put_common(encoder& out, const zip_entry& entry, std::uint16_t version, bool wide_sizes) {
    out.u16(version).u16(flag_utf8).u16(entry.deflated ? method_deflated : method_stored);
    out.u16(fixed_time).u16(fixed_date).u32(entry.crc32);
    out.u32(wide_sizes ? in_zip64 : entry.stored_size).u32(wide_sizes ? in_zip64 : entry.size);
    out.u16(entry.name.size());
}

bool has_wide_sizes(const zip_entry& entry) {
    return entry.size >= in_zip64 || entry.stored_size >= in_zip64;
}

}  // namespace

void zip_writer::state::add_to_directory(const zip_entry& entry, std::uint64_t offset) {
    std::string extra;
    encoder wide(extra);
    const bool wide_sizes = has_wide_sizes(entry), wide_offset = offset >= in_zip64;
    if (wide_sizes || wide_offset) {
        wide.u16(extra_zip64).u16((wide_sizes ? 16 : 0) + (wide_offset ? 8 : 0));
        if (wide_sizes) wide.u64(entry.size).u64(entry.stored_size);
        if (wide_offset) wide.u64(offset);
    }
    const std::uint16_t version = extra.empty() ? version_plain : version_zip64;
    constexpr std::uint32_t dos_directory = 0x10;
    encoder out(directory);
    out.u32(central_signature).u16(made_by_unix | version);
    put_common(out, entry, version, wide_sizes);
    out.u16(extra.size()).u16(0).u16(0).u16(0);  // comment, disk, internal attributes
    out.u32(std::uint64_t{entry.mode} << 16 | (S_ISDIR(entry.mode) ? dos_directory : 0)).u32(low32(offset));
    directory += entry.name;
    directory += extra;
    ++entries;
}

zip_writer::zip_writer(zip_sink sink) : state_(std::make_unique<state>()) { state_->sink = std::move(sink); }
zip_writer::~zip_writer() = default;
zip_writer::zip_writer(zip_writer&&) noexcept = default;
zip_writer& zip_writer::operator=(zip_writer&&) noexcept = default;

std::uint64_t zip_writer::size() const { return state_->written; }

result<void> zip_writer::begin(const zip_entry& entry) {
    state& s = *state_;
    ACT_TRY_VOID(s.ready(entry.name));
    std::string_view reason = objection(entry.name, entry.mode);
    if (reason.empty() && !entry.deflated && entry.size != entry.stored_size)
        reason = "the sizes do not agree";
    if (!reason.empty()) {
        return error(kind::usage, "zip: cannot add '" + printable(entry.name) + "': " + std::string(reason));
    }
    const std::uint64_t offset = s.written;
    const bool wide_sizes = has_wide_sizes(entry);
    s.scratch.clear();
    encoder out(s.scratch);
    out.u32(local_signature);
    put_common(out, entry, wide_sizes ? version_zip64 : version_plain, wide_sizes);
    out.u16(wide_sizes ? 20 : 0);
    s.scratch += entry.name;
    if (wide_sizes) out.u16(extra_zip64).u16(16).u64(entry.size).u64(entry.stored_size);
    ACT_TRY_VOID(s.put(as_bytes(s.scratch)));
    s.missing = entry.stored_size;
    s.add_to_directory(entry, offset);
    return {};
}

result<void> zip_writer::append(bytes_view data) {
    if (data.size() > state_->missing) {
        return error(kind::usage, "zip: more data than the entry's size says: it changed while it was read");
    }
    ACT_TRY_VOID(state_->put(data));
    state_->missing -= data.size();
    return {};
}

result<void> zip_writer::add(const zip_entry& entry, bytes_view data) {
    if (data.size() != entry.stored_size) {
        return error(kind::usage, "zip: cannot add '" + printable(entry.name) + "': the sizes do not agree");
    }
    ACT_TRY_VOID(begin(entry));
    return append(data);
}

result<void> zip_writer::finish() {
    state& s = *state_;
    ACT_TRY_VOID(s.ready("central directory"));
    const std::uint64_t offset = s.written, size = s.directory.size();
    encoder out(s.directory);
    if (s.entries >= count_in_zip64 || offset >= in_zip64 || size >= in_zip64) {
        out.u32(end64_signature).u64(end64_size - 12).u16(made_by_unix | version_zip64).u16(version_zip64);
        out.u32(0).u32(0).u64(s.entries).u64(s.entries).u64(size).u64(offset);
        out.u32(locator64_signature).u32(0).u64(offset + size).u32(1);
    }
    const std::uint64_t count = s.entries >= count_in_zip64 ? count_in_zip64 : s.entries;
    out.u32(end_signature).u16(0).u16(0).u16(count).u16(count).u32(low32(size)).u32(low32(offset)).u16(0);
    ACT_TRY_VOID(s.put(as_bytes(s.directory)));
    s.finished = true;
    return {};
}

}  // namespace act::codec
