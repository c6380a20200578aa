#include "tools/store/access_control.hpp"

#include <algorithm>
#include <array>

namespace act::store {

namespace {

using entry = access_control::entry;

constexpr std::string_view letters = "rwx";

bool is_allowed(std::string_view s) {
    if (s.size() != 3) return false;
    for (std::size_t i = 0; i < 3; ++i) {
        if (s[i] != '-' && s[i] != letters[i]) return false;
    }
    return true;
}

std::string allowed_by(unsigned bits) {
    std::string out(letters);
    for (unsigned i = 0; i < 3; ++i) {
        if (!(bits & (4u >> i))) out[i] = '-';
    }
    return out;
}

std::string_view next_part(std::string_view& rest, char separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

// What the three classes of a mode are entries of: where there is a mask, the group's is that.
std::array<std::string*, 3> classes(std::vector<entry>& entries) {
    std::array<std::string*, 3> out{};
    for (entry& e : entries) {
        if (e.inherited || !e.id.empty()) continue;
        if (e.type == "user") out[0] = &e.allowed;
        if (e.type == "group" && !out[1]) out[1] = &e.allowed;
        if (e.type == "other") out[2] = &e.allowed;
    }
    for (entry& e : entries) {
        if (!e.inherited && e.type == "mask") out[1] = &e.allowed;
    }
    return out;
}

}  // namespace

std::optional<std::vector<entry>> access_control::read(std::string_view text) {
    std::vector<entry> out;
    while (!text.empty()) {
        std::string_view one = next_part(text, ',');
        entry e;
        if (one.starts_with("default:")) {
            e.inherited = true;
            one.remove_prefix(8);
        }
        e.type = next_part(one, ':');
        e.id = next_part(one, ':');
        e.allowed = one;
        const bool named = e.type == "user" || e.type == "group";
        if (!named && (!e.id.empty() || (e.type != "mask" && e.type != "other"))) return {};
        if (!is_allowed(e.allowed)) return {};
        out.push_back(std::move(e));
    }
    const auto three = classes(out);
    if (std::find(three.begin(), three.end(), nullptr) != three.end()) return {};
    return out;
}

access_control access_control::of(const blob_record& r) {
    access_control out;
    out.owner = out.group = "$superuser";
    out.entries = *read(r.directory ? "user::rwx,group::r-x,other::---" : "user::rw-,group::r--,other::---");
    std::string_view rest = r.access, name, value;
    while (packed::next(rest, name, value)) {
        if (name == "owner") out.owner = value;
        if (name == "group") out.group = value;
        if (name == "sticky") out.sticky = true;
        if (name != "acl") continue;
        if (auto set = read(value)) out.entries = std::move(*set);
    }
    return out;
}

std::string access_control::permissions() const {
    std::vector<entry> mine = entries;
    std::string out;
    for (const std::string* one : classes(mine)) out += *one;
    if (sticky) out.back() = out.back() == 'x' ? 't' : 'T';
    if (entries.size() > 3) out += '+';
    return out;
}

std::string access_control::text() const {
    std::string out;
    for (const entry& e : entries) {
        if (!out.empty()) out += ',';
        if (e.inherited) out += "default:";
        out.append(e.type).append(":").append(e.id).append(":").append(e.allowed);
    }
    return out;
}

bool access_control::set_permissions(std::string_view given) {
    const auto three = classes(entries);
    const bool octal = given.size() == 4 && given.find_first_not_of("01234567") == std::string_view::npos;
    if (octal) {
        if (given[0] > '1') return false;
        sticky = given[0] == '1';
        for (std::size_t i = 0; i < 3; ++i) *three[i] = allowed_by(static_cast<unsigned>(given[i + 1] - '0'));
        return true;
    }
    if (given.size() != 9) return false;
    std::string plain(given);
    const bool stuck = plain[8] == 't' || plain[8] == 'T';
    if (stuck) plain[8] = plain[8] == 't' ? 'x' : '-';
    for (std::size_t i = 0; i < 3; ++i) {
        if (!is_allowed(std::string_view(plain).substr(3 * i, 3))) return false;
    }
    sticky = stuck;
    for (std::size_t i = 0; i < 3; ++i) *three[i] = plain.substr(3 * i, 3);
    return true;
}

void access_control::restrict_by(unsigned umask) {
    const auto three = classes(entries);
    for (unsigned i = 0; i < 3; ++i) {
        for (unsigned bit = 0; bit < 3; ++bit) {
            if (umask >> (3 * (2 - i)) & (4u >> bit)) (*three[i])[bit] = '-';
        }
    }
}

std::string access_control::pack() const {
    std::string out;
    packed::add(out, "owner", owner);
    packed::add(out, "group", group);
    packed::add(out, "acl", text());
    if (sticky) packed::add(out, "sticky", "1");
    return out;
}

outcome<> apply_access(const call& c, access_control& a) {
    const std::string_view permissions = c.header("x-ms-permissions"), acl = c.header("x-ms-acl");
    if (!permissions.empty() && !acl.empty()) return invalid_header("x-ms-acl", acl);
    if (!c.header("x-ms-owner").empty()) a.owner = c.header("x-ms-owner");
    if (!c.header("x-ms-group").empty()) a.group = c.header("x-ms-group");
    if (!permissions.empty() && !a.set_permissions(permissions))
        return invalid_header("x-ms-permissions", permissions);
    if (acl.empty()) return {};
    auto entries = access_control::read(acl);
    if (!entries) return invalid_header("x-ms-acl", acl);
    a.entries = std::move(*entries);
    return {};
}

void add_access_headers(http::fields& f, const access_control& a, bool acl) {
    f.add("x-ms-owner", a.owner);
    f.add("x-ms-group", a.group);
    f.add("x-ms-permissions", a.permissions());
    if (acl) f.add("x-ms-acl", a.text());
}

}  // namespace act::store
