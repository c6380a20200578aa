#include "tools/store/catalog.hpp"

#include <cerrno>
#include <utility>

namespace act::store {

namespace {

void add_number(std::string& out, std::size_t n) {
    for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
    out += static_cast<char>(n);
}

void add_entry(std::string& out, const bucket_entry& e) {
    for (std::string_view s : {e.tail, e.snapshot, e.record}) {
        add_number(out, s.size());
        out += s;
    }
}

std::string_view tail_of(std::string_view name) {
    return name.size() > key_part ? name.substr(key_part) : std::string_view();
}

bool before(const bucket_entry& e, std::string_view tail, std::string_view snapshot) {
    return std::pair(e.tail, e.snapshot) < std::pair(tail, snapshot);
}

/// A name as it lies in the index.
class stored_name {
public:
    stored_name(const reader& r, std::string_view name) : view_(name) {
        if (!r.hierarchical()) return;
        turned_ = name;
        turn_path(turned_);
        view_ = turned_;
    }
    stored_name(const stored_name&) = delete;
    operator std::string_view() const { return view_; }

private:
    std::string turned_;
    std::string_view view_;
};

bool same(const bucket_entry& e, std::string_view tail, std::string_view snapshot) {
    return e.tail == tail && e.snapshot == snapshot;
}

}  // namespace

bool bucket_entry::next(std::string_view& rest, bucket_entry& e) {
    if (rest.empty()) return false;
    for (std::string_view* s : {&e.tail, &e.snapshot, &e.record}) {
        std::size_t n = 0;
        for (unsigned shift = 0; shift < 35 && !rest.empty(); shift += 7) {
            const auto b = static_cast<unsigned char>(rest.front());
            rest.remove_prefix(1);
            n |= std::size_t(b & 0x7f) << shift;
            if (!(b & 0x80)) break;
        }
        if (n > rest.size()) return false;
        *s = rest.substr(0, n);
        rest.remove_prefix(n);
    }
    return true;
}

key name_key(std::uint64_t container, std::string_view name) {
    return number_key(container).add(name, key_part);
}

std::optional<std::string_view> find(const reader& r, table t, std::uint64_t container,
                                     std::string_view given, std::string_view snapshot) {
    const stored_name stored(r, given);
    const std::string_view name = stored;
    auto bucket = r.get(t, name_key(container, name).view());
    if (!bucket) return {};
    const std::string_view tail = tail_of(name);
    bucket_entry e;
    while (bucket_entry::next(*bucket, e)) {
        if (same(e, tail, snapshot)) return e.record;
    }
    return {};
}

void save(writer& w, table t, std::uint64_t container, std::string_view given, std::string_view snapshot,
          std::string_view record) {
    const stored_name stored(w, given);
    const std::string_view name = stored;
    const key where = name_key(container, name);
    const bucket_entry mine{tail_of(name), snapshot, record};
    std::string bucket;
    bucket.reserve(record.size() + 16);
    bool placed = false;
    // A short name without snapshots has its bucket for itself: nothing to read.
    if (name.size() >= key_part || !snapshot.empty()) {
        auto old = w.get(t, where.view());
        std::string_view rest = old.value_or(std::string_view());
        bucket_entry e;
        while (bucket_entry::next(rest, e)) {
            if (!placed && !before(e, mine.tail, mine.snapshot)) {
                add_entry(bucket, mine);
                placed = true;
            }
            if (!same(e, mine.tail, mine.snapshot)) add_entry(bucket, e);
        }
    }
    if (!placed) add_entry(bucket, mine);
    w.put(t, where.view(), bucket);
}

bool erase(writer& w, table t, std::uint64_t container, std::string_view given, std::string_view snapshot) {
    const stored_name stored(w, given);
    const std::string_view name = stored;
    const key where = name_key(container, name);
    if (name.size() < key_part && snapshot.empty()) return w.erase(t, where.view());
    auto old = w.get(t, where.view());
    if (!old) return false;
    std::string bucket;
    std::string_view rest = *old;
    bucket_entry e;
    bool found = false;
    while (bucket_entry::next(rest, e)) {
        if (same(e, tail_of(name), snapshot)) {
            found = true;
        } else {
            add_entry(bucket, e);
        }
    }
    if (!found) return false;
    if (bucket.empty()) {
        w.erase(t, where.view());
    } else {
        w.put(t, where.view(), bucket);
    }
    return true;
}

std::optional<container_record> load_container(const reader& r, std::string_view name) {
    auto bytes = r.get(table::containers, name);
    if (!bytes) return {};
    container_record c;
    if (decode(*bytes, c)) return c;
    r.fail(EBADMSG);
    return {};
}

// ---- record_cursor

record_cursor::record_cursor(const reader& r, table t, std::uint64_t container)
    : rows_(r, t), space_(r.space()), container_(container) {}

bool record_cursor::enter() {
    valid_ = rows_.key().size() >= 8 && read_number(rows_.key()) == container_;
    rest_ = valid_ ? rows_.value() : std::string_view();
    return valid_ && take();
}

bool record_cursor::take() {
    if (!bucket_entry::next(rest_, entry_)) return valid_ = false;
    name_ = rows_.key().substr(8);
    if (!entry_.tail.empty() || space_ == name_space::hierarchical) {
        long_name_.assign(name_).append(entry_.tail);
        if (space_ == name_space::hierarchical) turn_path(long_name_);
        name_ = long_name_;
    }
    return true;
}

bool record_cursor::seek(std::string_view given, std::string_view snapshot) {
    const stored_name stored(rows_.source(), given);
    const std::string_view name = stored;
    const key where = name_key(container_, name);
    if (!rows_.seek(where.view())) return valid_ = false;
    const bool exact = rows_.key() == where.view();
    if (!enter()) return false;
    if (!exact) return true;
    const std::string_view tail = tail_of(name);
    while (valid_ && rows_.key() == where.view() && before(entry_, tail, snapshot)) next();
    return valid_;
}

bool record_cursor::next() {
    if (!valid_) return false;
    if (!rest_.empty()) return take();
    if (!rows_.next()) return valid_ = false;
    return enter();
}

}  // namespace act::store
