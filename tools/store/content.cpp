#include "tools/store/content.hpp"

#include <algorithm>
#include <cerrno>

#include "tools/store/keys.hpp"

namespace act::store {

namespace {

constexpr std::size_t list_head = 16;
constexpr std::size_t list_row = 24;

std::uint64_t references(const reader& r, id i) {
    auto row = r.get(table::refs, number_key(i).view());
    return row ? read_number(*row) : is_file(i) ? 0 : 1;
}

void set_references(writer& w, id i, std::uint64_t n) {
    w.put(table::refs, number_key(i).view(), number_key(n).view());
}

// True when the last reference went.
bool drop_reference(writer& w, id i) {
    const std::uint64_t n = references(w, i);
    if (n > 2 || (n == 2 && is_file(i))) {
        set_references(w, i, n - 1);
        return false;
    }
    if (n == 2 || is_file(i)) w.erase(table::refs, number_key(i).view());
    return n < 2;
}

key extent_key(id content, std::uint64_t at) { return number_key(content).add(at); }

struct extent {
    std::uint64_t at = 0;
    segment what;
    std::uint64_t end() const { return at + what.length; }
};

void write_extent(writer& w, id content, const extent& e) {
    w.put(table::extents, extent_key(content, e.at).view(),
          number_key(e.what.piece).add(e.what.offset).add(e.what.length).view());
}

bool read_extent(const cursor& c, id content, extent& e) {
    if (c.key().size() != 16 || read_number(c.key()) != content || c.value().size() != 24) return false;
    e.at = read_number(c.key().substr(8));
    e.what = {read_number(c.value()), read_number(c.value().substr(8)), read_number(c.value().substr(16))};
    return true;
}

// The extents that overlap [from, to), in order.
std::vector<extent> overlapping(const reader& r, id content, std::uint64_t from, std::uint64_t to) {
    std::vector<extent> found;
    cursor c(r, table::extents);
    extent e;
    if (c.seek_before(extent_key(content, from + 1).view()) && read_extent(c, content, e) && e.end() > from) {
        found.push_back(e);
    }
    for (bool more = c.seek(extent_key(content, from + 1).view()); more; more = c.next()) {
        if (!read_extent(c, content, e) || e.at >= to) break;
        found.push_back(e);
    }
    return found;
}

}  // namespace

// ---- lists

list_view::list_view(std::string_view row) : row_(row) {
    if (row.size() < list_head) return;
    const std::uint64_t count = read_number(row), id_size = read_number(row.substr(8));
    if (count > row.size() || id_size > 65 || list_head + count * (list_row + id_size) != row.size()) return;
    count_ = count;
    id_size_ = id_size;
}

std::uint64_t list_view::end_of(std::size_t i) const {
    return read_number(row_.substr(list_head + i * list_row));
}

list_entry list_view::operator[](std::size_t i) const {
    const std::size_t at = list_head + i * list_row;
    list_entry e;
    e.length = end_of(i) - (i == 0 ? 0 : end_of(i - 1));
    e.piece = read_number(row_.substr(at + 8));
    e.offset = read_number(row_.substr(at + 16));
    if (id_size_ > 0) {
        const std::string_view id = row_.substr(list_head + count_ * list_row + i * id_size_, id_size_);
        e.block_id = id.substr(1, static_cast<unsigned char>(id[0]));
    }
    return e;
}

std::size_t list_view::find(std::uint64_t offset) const {
    std::size_t low = 0, high = count_;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (end_of(middle) > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void write_list(writer& w, id list, std::span<const list_entry> entries) {
    std::size_t id_size = 0;
    for (const list_entry& e : entries) {
        if (!e.block_id.empty()) id_size = std::max(id_size, e.block_id.size() + 1);
    }
    char* out =
        w.put_space(table::lists, number_key(list).view(), list_head + entries.size() * (list_row + id_size));
    if (!out) return;
    write_number(out, entries.size());
    write_number(out + 8, id_size);
    char* row = out + list_head;
    char* ids = row + entries.size() * list_row;
    std::uint64_t end = 0;
    for (const list_entry& e : entries) {
        end += e.length;
        write_number(row, end);
        write_number(row + 8, e.piece);
        write_number(row + 16, e.offset);
        row += list_row;
        if (id_size == 0) continue;
        std::memset(ids, 0, id_size);
        ids[0] = static_cast<char>(e.block_id.size());
        std::memcpy(ids + 1, e.block_id.data(), e.block_id.size());
        ids += id_size;
    }
}

// ---- references

void add_small_piece(writer& w, id i, std::string_view bytes) {
    w.put(table::pieces, number_key(i).view(), bytes);
}

void add_file_piece(writer& w, id i) { set_references(w, i, 1); }

void share_piece(writer& w, id i) {
    if (i != 0) set_references(w, i, references(w, i) + 1);
}

void release_piece(writer& w, id i) {
    if (i == 0 || !drop_reference(w, i)) return;
    if (is_file(i)) {
        w.retire(i);
    } else {
        w.erase(table::pieces, number_key(i).view());
    }
}

content_ref share(writer& w, files& f, const content_ref& c, std::uint64_t size) {
    if (c.form == content_ref::form::none) return c;
    if (c.form != content_ref::form::extents) {
        share_piece(w, c.id);
        return c;
    }
    std::vector<list_entry> entries;
    for (const segment& s : segments(w, c, size, 0, size)) {
        share_piece(w, s.piece);
        entries.push_back({{}, s.piece, s.offset, s.length});
    }
    const content_ref list{content_ref::form::list, f.next_id()};
    write_list(w, list.id, entries);
    return list;
}

void release(writer& w, const content_ref& c) {
    const key k = number_key(c.id);
    switch (c.form) {
        case content_ref::form::none:
            return;
        case content_ref::form::piece:
            release_piece(w, c.id);
            return;
        case content_ref::form::list: {
            if (!drop_reference(w, c.id)) return;
            auto row = w.get(table::lists, k.view());
            if (!row) return;
            // Copied: the row moves when its neighbours change.
            const std::string copy(*row);
            const list_view list(copy);
            for (std::size_t i = 0; i < list.size(); ++i) release_piece(w, list[i].piece);
            w.erase(table::lists, k.view());
            return;
        }
        case content_ref::form::extents:
            clear_extents(w, c.id, 0, UINT64_MAX);
            return;
    }
}

// ---- extents

void clear_extents(writer& w, id content, std::uint64_t from, std::uint64_t to) {
    for (const extent& e : overlapping(w, content, from, to)) {
        w.erase(table::extents, extent_key(content, e.at).view());
        const bool left = e.at<from, right = e.end()> to;
        if (left) write_extent(w, content, {e.at, {e.what.piece, e.what.offset, from - e.at}});
        if (right) write_extent(w, content, {to, {e.what.piece, e.what.offset + (to - e.at), e.end() - to}});
        if (left && right) share_piece(w, e.what.piece);
        if (!left && !right) release_piece(w, e.what.piece);
    }
}

void put_extent(writer& w, id content, std::uint64_t at, const segment& s) {
    clear_extents(w, content, at, at + s.length);
    write_extent(w, content, {at, s});
}

content_ref make_extents(writer& w, files& f, const content_ref& c, std::uint64_t size) {
    if (c.form == content_ref::form::extents) return c;
    const content_ref made{content_ref::form::extents, f.next_id()};
    std::uint64_t at = 0;
    for (const segment& s : segments(w, c, size, 0, size)) {
        if (s.piece != 0) {
            share_piece(w, s.piece);
            write_extent(w, made.id, {at, s});
        }
        at += s.length;
    }
    release(w, c);
    return made;
}

// ---- reading

std::vector<segment> segments(const reader& r, const content_ref& c, std::uint64_t size, std::uint64_t offset,
                              std::uint64_t length) {
    std::vector<segment> out;
    if (length == 0) return out;
    const std::uint64_t end = offset + length;
    switch (c.form) {
        case content_ref::form::none:
            break;
        case content_ref::form::piece:
            out.push_back({c.id, offset, length});
            return out;
        case content_ref::form::list: {
            auto row = r.get(table::lists, number_key(c.id).view());
            const list_view list(row.value_or(std::string_view()));
            for (std::size_t i = list.find(offset); i < list.size() && offset < end; ++i) {
                const list_entry e = list[i];
                const std::uint64_t skip = offset - (list.end_of(i) - e.length);
                const std::uint64_t n = std::min(e.length - skip, end - offset);
                if (n == 0) continue;
                out.push_back({e.piece, e.offset + skip, n});
                offset += n;
            }
            if (offset != end) r.fail(EBADMSG);
            return out;
        }
        case content_ref::form::extents:
            for (const extent& e : overlapping(r, c.id, offset, end)) {
                if (e.at > offset) {
                    out.push_back({0, 0, e.at - offset});
                    offset = e.at;
                }
                const std::uint64_t skip = offset - e.at;
                const std::uint64_t n = std::min(e.what.length - skip, end - offset);
                out.push_back({e.what.piece, e.what.offset + skip, n});
                offset += n;
            }
            break;
    }
    if (offset < std::min(end, size)) out.push_back({0, 0, end - offset});
    return out;
}

}  // namespace act::store
