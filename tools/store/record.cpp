#include "tools/store/record.hpp"

namespace act::store {

namespace {

constexpr std::uint8_t format = 1;

class packer {
public:
    explicit packer(std::size_t reserve) {
        out_.reserve(reserve);
        byte(format);
    }
    void byte(std::uint8_t b) { out_ += static_cast<char>(b); }
    void number(std::uint64_t n) {
        for (; n >= 0x80; n >>= 7) byte(static_cast<std::uint8_t>(n | 0x80));
        byte(static_cast<std::uint8_t>(n));
    }
    void time(nanos n) { number(static_cast<std::uint64_t>(n)); }
    void text(std::string_view s) {
        number(s.size());
        out_ += s;
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

class unpacker {
public:
    explicit unpacker(std::string_view in) : in_(in) { good_ = byte() == format; }
    std::uint8_t byte() {
        if (in_.empty()) return bad();
        const auto b = static_cast<std::uint8_t>(in_.front());
        in_.remove_prefix(1);
        return b;
    }
    std::uint64_t number() {
        if (!in_.empty() && static_cast<signed char>(in_.front()) >= 0) return byte();
        return long_number();
    }
    nanos time() { return static_cast<nanos>(number()); }
    std::string_view text() {
        const std::uint64_t size = number();
        if (size > in_.size()) {
            bad();
            return {};
        }
        const auto s = in_.substr(0, size);
        in_.remove_prefix(size);
        return s;
    }
    /// Passes over `bytes` if they come next.
    bool skip(std::string_view bytes) {
        if (!in_.starts_with(bytes)) return false;
        in_.remove_prefix(bytes.size());
        return true;
    }
    std::string_view rest() const { return in_; }
    bool empty() const { return in_.empty(); }
    bool good() const { return good_; }

private:
    std::uint64_t long_number() {
        // Times and ETags have nine bytes: eight are taken at once.
        constexpr std::size_t longest = 10;
        if (in_.size() >= longest) {
            std::uint64_t word = 0;
            std::memcpy(&word, in_.data(), sizeof word);
            if (const std::uint64_t last = ~word & 0x8080'8080'8080'8080; last != 0) {
                in_.remove_prefix(static_cast<std::size_t>(std::countr_zero(last)) / 8 + 1);
                return without_marks(word & (last ^ (last - 1)));
            }
            if (const auto ninth = static_cast<std::uint8_t>(in_[8]); ninth < 0x80) {
                in_.remove_prefix(9);
                return without_marks(word) | std::uint64_t(ninth) << 56;
            }
        }
        std::uint64_t n = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t b = byte();
            n |= std::uint64_t(b & 0x7f) << shift;
            if (!(b & 0x80)) return n;
        }
        return bad();
    }
    /// Joins the lower seven bits of each byte.
    static std::uint64_t without_marks(std::uint64_t n) {
        n = (n & 0x7f00'7f00'7f00'7f00) >> 1 | (n & 0x007f'007f'007f'007f);
        n = (n & 0x3fff'0000'3fff'0000) >> 2 | (n & 0x0000'3fff'0000'3fff);
        return (n & 0x0fff'ffff'0000'0000) >> 4 | (n & 0x0000'0000'0fff'ffff);
    }
    std::uint8_t bad() {
        good_ = false;
        in_ = {};
        return 0;
    }
    std::string_view in_;
    bool good_ = true;
};

void put(packer& p, const lease& l) {
    p.byte(static_cast<std::uint8_t>(l.phase));
    if (l.phase == lease::phase::none) return;
    p.text(l.id);
    p.number(static_cast<std::uint32_t>(l.seconds));
    p.time(l.until);
}

void get(unpacker& u, lease& l) {
    l = {};
    l.phase = static_cast<decltype(l.phase)>(u.byte());
    if (l.phase == lease::phase::none) return;
    l.id = u.text();
    l.seconds = static_cast<std::int32_t>(u.number());
    l.until = u.time();
}

// Came later: records without it are as they always were.
void put(packer& p, const encryption& s) {
    if (s.none()) return;
    p.text(s.key_sha256);
    p.text(s.scope);
}

void get(unpacker& u, encryption& s) {
    s = {};
    if (u.empty()) return;
    s.key_sha256 = u.text();
    s.scope = u.text();
}

// A blob's record, in the order in which its parts lie.

void get_own(unpacker& u, blob_record& r) {
    r.type = static_cast<blob::blob_type>(u.byte());
    r.etag = u.number();
    r.size = u.number();
    r.created = u.time();
    r.modified = u.time();
    r.content.form = static_cast<decltype(r.content.form)>(u.byte());
    r.content.id = u.number();
}

void get_headers(unpacker& u, blob_record& r) {
    r.headers.type = u.text();
    r.headers.encoding = u.text();
    r.headers.language = u.text();
    r.headers.disposition = u.text();
    r.headers.cache_control = u.text();
}

void get_description(unpacker& u, blob_record& r) {
    r.headers.md5 = u.text();
    r.metadata = u.text();
}

void get_state(unpacker& u, blob_record& r) {
    r.tags = u.text();
    r.tier = static_cast<tier>(u.byte());
    r.tier_changed = u.time();
    get(u, r.lease);
    r.append_blocks = static_cast<std::uint32_t>(u.number());
    r.sealed = u.byte() != 0;
    r.sequence_number = u.number();
    r.snapshots = static_cast<std::uint32_t>(u.number());
    r.copy = {.id = u.text()};
    if (r.copy.id.empty()) return;
    r.copy.source = u.text();
    r.copy.status = u.text();
    r.copy.description = u.text();
    r.copy.done = u.number();
    r.copy.total = u.number();
    r.copy.completed = u.time();
    r.copy.owner = u.number();
}

void get_later(unpacker& u, blob_record& r) {
    r.version = u.empty() ? 0 : u.time();
    r.directory = !u.empty() && u.byte() != 0;
    r.access = u.empty() ? std::string_view() : u.text();
    get(u, r.encryption);
}

}  // namespace

namespace packed {

void add(std::string& out, std::string_view name, std::string_view value) {
    for (std::string_view s : {name, value}) {
        std::size_t n = s.size();
        for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
        out += static_cast<char>(n);
        out += s;
    }
}

bool next(std::string_view& rest, std::string_view& name, std::string_view& value) {
    if (rest.empty()) return false;
    for (std::string_view* s : {&name, &value}) {
        // Nearly always a length of one byte.
        if (const std::size_t n = static_cast<std::uint8_t>(rest.empty() ? 0x80 : rest.front());
            n < 0x80 && n < rest.size()) {
            *s = rest.substr(1, n);
            rest.remove_prefix(n + 1);
            continue;
        }
        std::size_t n = 0;
        for (unsigned shift = 0; !rest.empty(); shift += 7) {
            const auto b = static_cast<std::uint8_t>(rest.front());
            rest.remove_prefix(1);
            n |= std::size_t(b & 0x7f) << shift;
            if (!(b & 0x80) || shift > 28) break;
        }
        if (n > rest.size()) return false;
        *s = rest.substr(0, n);
        rest.remove_prefix(n);
    }
    return true;
}

std::size_t count(std::string_view pairs) {
    std::size_t n = 0;
    std::string_view name, value;
    while (next(pairs, name, value)) ++n;
    return n;
}

}  // namespace packed

lease::state lease::at(nanos now) const {
    switch (phase) {
        case phase::held:
            return seconds < 0 || now < until ? state::leased : state::expired;
        case phase::breaking:
            return now < until ? state::breaking : state::broken;
        case phase::none:
            break;
    }
    return state::available;
}

std::string_view to_string(lease::state s) {
    switch (s) {
        case lease::state::available:
            return "available";
        case lease::state::leased:
            return "leased";
        case lease::state::expired:
            return "expired";
        case lease::state::breaking:
            return "breaking";
        case lease::state::broken:
            return "broken";
    }
    return "available";
}

std::string_view to_string(tier t) {
    switch (t) {
        case tier::cool:
            return "Cool";
        case tier::cold:
            return "Cold";
        case tier::archive:
            return "Archive";
        default:
            return "Hot";
    }
}

tier parse_tier(std::string_view text) {
    for (tier t : {tier::hot, tier::cool, tier::cold, tier::archive}) {
        if (text == to_string(t)) return t;
    }
    return tier::none;
}

std::string encode(const blob_record& r) {
    packer p(160 + r.metadata.size() + r.tags.size() + r.copy.source.size());
    p.byte(static_cast<std::uint8_t>(r.type));
    p.number(r.etag);
    p.number(r.size);
    p.time(r.created);
    p.time(r.modified);
    p.byte(static_cast<std::uint8_t>(r.content.form));
    p.number(r.content.id);
    p.text(r.headers.type);
    p.text(r.headers.encoding);
    p.text(r.headers.language);
    p.text(r.headers.disposition);
    p.text(r.headers.cache_control);
    p.text(r.headers.md5);
    p.text(r.metadata);
    p.text(r.tags);
    p.byte(static_cast<std::uint8_t>(r.tier));
    p.time(r.tier_changed);
    put(p, r.lease);
    p.number(r.append_blocks);
    p.byte(r.sealed);
    p.number(r.sequence_number);
    p.number(r.snapshots);
    p.text(r.copy.id);
    if (!r.copy.id.empty()) {
        p.text(r.copy.source);
        p.text(r.copy.status);
        p.text(r.copy.description);
        p.number(r.copy.done);
        p.number(r.copy.total);
        p.time(r.copy.completed);
        p.number(r.copy.owner);
    }
    // Came later: records without it are as they always were.
    const bool path = r.directory || !r.access.empty() || !r.encryption.none();
    if (r.version != 0 || path) p.time(r.version);
    if (path) {
        p.byte(r.directory);
        p.text(r.access);
        put(p, r.encryption);
    }
    return p.take();
}

bool decode(std::string_view bytes, blob_record& r) {
    unpacker u(bytes);
    get_own(u, r);
    get_headers(u, r);
    get_description(u, r);
    get_state(u, r);
    get_later(u, r);
    return u.good();
}

bool blob_decoder::next(std::string_view bytes) {
    unpacker u(bytes);
    const blob::blob_type type = record_.type;
    const bool directory = record_.directory;
    get_own(u, record_);
    // Each run tells where it ends, so that equal bytes are equal values, whatever follows.
    const auto run = [&](std::string_view& known, auto get) {
        if (!known.empty() && u.skip(known)) return true;
        known = u.rest();
        get(u, record_);
        known.remove_suffix(u.rest().size());
        return false;
    };
    same_headers_ = run(headers_, get_headers);
    get_description(u, record_);
    const encryption before = record_.encryption;
    same_state_ = run(state_, get_state) && type == record_.type;
    get_later(u, record_);
    same_state_ = same_state_ && directory == record_.directory && before == record_.encryption;
    if (!u.good()) headers_ = state_ = {};
    return u.good();
}

std::string encode(const container_record& r) {
    packer p(64 + r.metadata.size() + r.policies.size());
    p.number(r.id);
    p.number(r.etag);
    p.time(r.modified);
    p.text(r.metadata);
    p.text(r.public_access);
    p.text(r.policies);
    put(p, r.lease);
    // Came later, the one after the other.
    if (!r.default_scope.empty() || !r.access.empty()) {
        p.text(r.default_scope);
        p.byte(r.only_default_scope);
    }
    if (!r.access.empty()) p.text(r.access);
    return p.take();
}

bool decode(std::string_view bytes, container_record& r) {
    unpacker u(bytes);
    r.id = u.number();
    r.etag = u.number();
    r.modified = u.time();
    r.metadata = u.text();
    r.public_access = u.text();
    r.policies = u.text();
    get(u, r.lease);
    const bool scoped = !u.empty();
    r.default_scope = scoped ? u.text() : std::string_view();
    r.only_default_scope = scoped && u.byte() != 0;
    r.access = u.empty() ? std::string_view() : u.text();
    return u.good();
}

std::string encode(const upload_record& r) {
    packer p(32);
    p.number(r.id);
    p.number(r.id_size);
    p.number(r.blocks);
    p.time(r.touched);
    put(p, r.encryption);
    return p.take();
}

bool decode(std::string_view bytes, upload_record& r) {
    unpacker u(bytes);
    r.id = u.number();
    r.id_size = static_cast<std::uint32_t>(u.number());
    r.blocks = static_cast<std::uint32_t>(u.number());
    r.touched = u.time();
    get(u, r.encryption);
    return u.good();
}

std::string encode(const block_record& r) {
    packer p(24);
    p.number(r.piece);
    p.number(r.offset);
    p.number(r.size);
    return p.take();
}

bool decode(std::string_view bytes, block_record& r) {
    unpacker u(bytes);
    r.piece = u.number();
    r.offset = u.number();
    r.size = u.number();
    return u.good();
}

std::string encode(const trash_record& r) {
    packer p(24 + r.blob.size());
    p.time(r.deleted);
    p.time(r.until);
    p.text(r.blob);
    return p.take();
}

bool decode(std::string_view bytes, trash_record& r) {
    unpacker u(bytes);
    r.deleted = u.time();
    r.until = u.time();
    r.blob = u.text();
    return u.good();
}

std::string etag_text(std::uint64_t n) {
    const etag_digits digits(n);
    return '"' + std::string(digits.view()) + '"';
}

std::uint64_t next_etag(nanos now, std::uint64_t previous) {
    // The service counts from the year 1; so the text looks like its own (0x8D...).
    constexpr std::uint64_t year_1 = 621'355'968'000'000'000;
    return std::max<std::uint64_t>(static_cast<std::uint64_t>(now) / 100 + year_1, previous + 1);
}

std::string snapshot_time(nanos n) {
    std::string s = to_iso8601(std::chrono::floor<std::chrono::seconds>(from_nanos(n)));
    s.pop_back();
    std::string fraction = std::to_string(10'000'000 + n % 1'000'000'000 / 100);
    fraction[0] = '.';
    return s + fraction + 'Z';
}

}  // namespace act::store
