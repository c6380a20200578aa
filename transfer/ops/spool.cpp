#include "transfer/ops/spool.hpp"

#include <cstring>

namespace act::ops {

namespace {

error lost() {
    return error(kind::io, "cannot keep a list of what is to be done in a temporary file",
                 "see whether the folder for temporary files has space, then run the same command again");
}

}  // namespace

spool::~spool() {
    if (file_) std::fclose(file_);
}

result<void> spool::push(std::string_view item) {
    const std::size_t size = item.size();
    text_.append(reinterpret_cast<const char*>(&size), sizeof size);
    text_ += item;
    return text_.size() < in_memory_ ? result<void>() : spill();
}

result<std::optional<std::string>> spool::pop() {
    if (file_ && !reading_) {
        ACT_TRY_VOID(spill());
        std::rewind(file_);
    }
    reading_ = true;
    std::size_t size = 0;
    ACT_TRY(const bool more, read(&size, sizeof size));
    if (!more) return std::optional<std::string>();
    std::string out(size, '\0');
    ACT_TRY(const bool whole, read(out.data(), size));
    if (!whole && size > 0) return lost();
    return std::optional(std::move(out));
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
