// Find Blobs by Tags, in the account or in a container. There is no index of tags: a page looks at so many
// blobs and may hold few of them, or none, and still have a marker.
#include "tools/store/headers.hpp"
#include "tools/store/listing.hpp"
#include "tools/store/tag_query.hpp"

namespace act::store {

namespace {

constexpr std::uint64_t most_looked_at = 20'000;

struct page {
    std::string out, next;
    std::uint64_t found = 0, looked_at = 0;
    std::uint64_t limit = 0;
    bool full() const {
        return found == limit || looked_at >= most_looked_at || out.size() > largest_page_text;
    }
};

// False when the page is full, and page::next set.
bool search(page& p, const reader& r, std::string_view container, std::uint64_t id, std::string_view from,
            const tag_query& query) {
    record_cursor item(r, table::blobs, id);
    for (bool more = item.seek(from); more; more = item.next(), ++p.looked_at) {
        if (p.full()) {
            p.next = make_marker(std::string(container) + '/' + std::string(item.name()));
            return false;
        }
        blob_record b;
        if (!decode(item.record(), b) || b.tags.empty() || !query.matches(b.tags, container)) continue;
        p.out += "<Blob>";
        element(p.out, "Name", item.name());
        element(p.out, "ContainerName", container);
        add_tags(p.out, b.tags);
        p.out += "</Blob>";
        ++p.found;
    }
    return true;
}

}  // namespace

answer find_blobs_by_tags(service& s, const reader& r, call& c) {
    if (r.hierarchical()) return failure(codes::not_for_hierarchical);
    const std::string_view where = c.param("where");
    if (where.empty()) return missing_query("where");
    const auto query = tag_query::parse(where);
    if (!query) return invalid_query("where", where);
    page p;
    ACT_TRY(p.limit, page_limit(c));
    ACT_TRY(const std::string marker, read_marker(c));
    const std::size_t slash = marker.find('/');
    const std::string at_container = marker.substr(0, slash);
    const std::string at_blob = slash == std::string::npos ? std::string() : marker.substr(slash + 1);

    p.out = begin_listing(s, c.container, 4096);
    element(p.out, "Where", where);
    p.out += "<Blobs>";
    if (!c.container.empty()) {
        ACT_TRY(const auto container, existing_container(r, c));
        search(p, r, c.container, container.id, at_blob, *query);
    } else {
        cursor rows(r, table::containers);
        for (bool more = rows.seek(at_container.empty() ? std::string(1, '\0') : at_container); more;
             more = rows.next()) {
            container_record k;
            if (!decode(rows.value(), k)) return failure();
            const bool continued = rows.key() == at_container;
            if (!search(p, r, rows.key(), k.id, continued ? std::string_view(at_blob) : std::string_view(),
                        *query)) {
                break;
            }
        }
    }
    p.out += "</Blobs>";
    element(p.out, "NextMarker", p.next);
    p.out += "</EnumerationResults>";
    return reply::xml(200, std::move(p.out));
}

}  // namespace act::store
