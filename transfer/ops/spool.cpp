#include "transfer/ops/spool.hpp"

#include <cstring>

#include "engine/core/units.hpp"

namespace act::ops {

namespace {

constexpr std::size_t in_memory = 4 * MiB;

struct head {
    std::uint64_t length, etag_length, size;
    std::int64_t modified;
    bool folder;
};

error lost() {
    return error(kind::io, "cannot keep the list of what is to be deleted in a temporary file",
                 "see whether TMPDIR has space; nothing was deleted");
}

}  // namespace

spool::~spool() {
    if (file_) std::fclose(file_);
}

result<void> spool::push(const item& i) {
    const head h{i.name.size(), i.etag.size(), i.size, i.modified.time_since_epoch().count(), i.folder};
    text_.append(reinterpret_cast<const char*>(&h), sizeof h);
    text_ += i.name;
    text_ += i.etag;
    return text_.size() < in_memory ? result<void>() : spill();
}

result<std::optional<spool::item>> spool::pop() {
    if (file_ && !reading_) {
        ACT_TRY_VOID(spill());
        std::rewind(file_);
    }
    reading_ = true;
    head h;
    ACT_TRY(const bool more, read(&h, sizeof h));
    if (!more) return std::optional<item>();
    item out{std::string(h.length, '\0'), h.folder, h.size, wall_time(std::chrono::nanoseconds(h.modified)),
             std::string(h.etag_length, '\0')};
    for (std::string* text : {&out.name, &out.etag}) {
        ACT_TRY(const bool whole, read(text->data(), text->size()));
        if (!whole) return lost();
    }
    return std::optional<item>(std::move(out));
}

result<void> spool::spill() {
    if (!file_) file_ = std::tmpfile();
    if (!file_ || std::fwrite(text_.data(), 1, text_.size(), file_) != text_.size() ||
        std::fflush(file_) != 0) {
        return lost();
    }
    text_.clear();
    return {};
}

result<bool> spool::read(void* into, std::size_t size) {
    if (file_) {
        const std::size_t got = std::fread(into, 1, size, file_);
        if (got != size && (got != 0 || std::ferror(file_))) return lost();
        return got == size;
    }
    if (at_ + size > text_.size()) return false;
    std::memcpy(into, text_.data() + at_, size);
    at_ += size;
    return true;
}

}  // namespace act::ops
