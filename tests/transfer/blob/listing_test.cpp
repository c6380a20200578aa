#include "transfer/blob/listing.hpp"

#include <random>

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "engine/core/uri.hpp"
#include "transfer/blob/xml.hpp"

namespace act::blob {
namespace {

/// Everything an entry holds, in a form that compares and prints.
std::string show(const properties& p) {
    std::string out =
        p.name + "|" + std::to_string(p.size) + "|" + p.etag.text + "|" + to_iso8601(p.modified) + "|" +
        (p.created ? to_iso8601(*p.created) : "-") + "|" + std::to_string(static_cast<int>(p.type)) + "|" +
        p.content.type + "|" + p.content.encoding + "|" + p.content.language + "|" + p.content.md5 + "|" +
        p.content.disposition + "|" + p.content.cache_control + "|" + p.tier + "|" + p.lease_status + "|" +
        p.lease_state + "|" + p.snapshot + "|" + p.version_id + "|" + p.copy_id + "|" + p.copy_status + "|" +
        p.copy_progress + "|" + p.copy_description + "|";
    for (bool b : {p.is_prefix, p.is_directory, p.deleted, p.uncommitted, p.current_version, p.tier_inferred})
        out += b ? '1' : '0';
    for (const auto& [k, v] : p.metadata) out += "|m " + k + "=" + v;
    for (const auto& [k, v] : p.tags) out += "|t " + k + "=" + v;
    return out;
}

std::string lower(std::string s) {
    for (char& c : s) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return s;
}

/// The same by a document tree.
std::vector<std::string> oracle(const std::string& text, std::string& marker) {
    pugi::xml_document doc;
    auto parsed = doc.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata);
    EXPECT_TRUE(parsed) << parsed.description();
    auto get = [](pugi::xml_node n, const char* name) {
        std::string out;
        for (auto piece : n.child(name).children()) {
            if (piece.type() == pugi::node_pcdata || piece.type() == pugi::node_cdata) out += piece.value();
        }
        return out;
    };
    std::vector<std::string> out;
    auto root = doc.child("EnumerationResults");
    marker = get(root, "NextMarker");
    for (auto n : root.child("Blobs").children()) {
        std::string element = n.name();
        if (element != "Blob" && element != "BlobPrefix") continue;
        properties p;
        p.is_prefix = element == "BlobPrefix";
        p.name = get(n, "Name");
        if (std::string_view(n.child("Name").attribute("Encoded").value()) == "true")
            p.name = decode_component(p.name).value();
        p.snapshot = get(n, "Snapshot");
        p.version_id = get(n, "VersionId");
        p.current_version = get(n, "IsCurrentVersion") == "true";
        p.deleted = get(n, "Deleted") == "true";
        auto in = n.child("Properties");
        if (in.child("Content-Length")) p.size = std::stoull(get(in, "Content-Length"));
        if (auto t = get(in, "Last-Modified"); !t.empty()) p.modified = *parse_http_date(t);
        if (auto t = get(in, "Creation-Time"); !t.empty()) p.created = parse_http_date(t);
        p.etag = etag::from_listing(get(in, "Etag"));
        p.content = {get(in, "Content-Type"),        get(in, "Content-Encoding"), get(in, "Content-Language"),
                     get(in, "Content-Disposition"), get(in, "Cache-Control"),    get(in, "Content-MD5")};
        auto type = get(in, "BlobType");
        p.type = type == "AppendBlob" ? blob_type::append
                 : type == "PageBlob" ? blob_type::page
                                      : blob_type::block;
        p.tier = get(in, "AccessTier");
        p.tier_inferred = get(in, "AccessTierInferred") == "true";
        p.lease_status = get(in, "LeaseStatus");
        p.lease_state = get(in, "LeaseState");
        p.copy_id = get(in, "CopyId");
        p.copy_status = get(in, "CopyStatus");
        p.copy_progress = get(in, "CopyProgress");
        p.copy_description = get(in, "CopyStatusDescription");
        for (auto m : n.child("Metadata").children()) {
            if (m.type() == pugi::node_element)
                p.metadata[lower(m.name())] = get(n.child("Metadata"), m.name());
        }
        for (auto t : n.child("Tags").child("TagSet").children("Tag"))
            p.tags[get(t, "Key")] = get(t, "Value");
        p.is_directory =
            get(in, "ResourceType") == "directory" || (!p.is_prefix && p.metadata.count("hdi_isfolder"));
        p.uncommitted = !p.is_prefix && p.etag.empty();
        out.push_back(show(p));
    }
    return out;
}

struct scanned {
    result<void> ended;
    std::vector<std::string> items;
    std::string marker;
};

/// `piece`: how many bytes to give at a time, 0 for all.
scanned scan(std::string_view text, std::size_t piece = 0, std::size_t first = 0) {
    listing_scanner s;
    scanned out;
    if (first != 0) {
        out.ended = s.feed(text.substr(0, first));
        text.remove_prefix(first);
    }
    while (out.ended && !text.empty()) {
        auto now = text.substr(0, piece == 0 ? text.npos : piece);
        out.ended = s.feed(now);
        text.remove_prefix(now.size());
    }
    if (out.ended) out.ended = s.finish();
    for (const auto& p : s.items()) out.items.push_back(show(p));
    out.marker = s.next_marker();
    return out;
}

class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    std::string document(int entries) {
        std::string out;
        if (chance(3)) out += "\xEF\xBB\xBF";
        if (!chance(5)) out += "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
        out += gap() + "<EnumerationResults ServiceEndpoint=\"https://a/?x&gt;>\" ContainerName='c'>";
        if (chance(2))
            out += "<Prefix/><Marker></Marker><MaxResults>5000</MaxResults><Delimiter>/</Delimiter>";
        out += gap() + "<Blobs>";
        for (int i = 0; i < entries; ++i) out += gap() + (chance(5) ? prefix() : blob());
        out += gap() + "</Blobs>" + gap();
        out += chance(2) ? "<NextMarker/>" : "<NextMarker>" + text() + "</NextMarker>";
        return out + "</EnumerationResults>" + gap();
    }

private:
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned one_in) { return below(one_in) == 0; }

    std::string gap() {
        switch (below(8)) {
            case 0:
                return "\n  ";
            case 1:
                return "<!-- a <b> & --> ";
            case 2:
                return "<?pi x?>";
            case 3:
                return "\t\r\n";
            default:
                return "";
        }
    }

    std::string plain() {
        static const char* pieces[] = {"a",  "dir/", "b c", "ü",   "😀", "&",     "<", ">",
                                       "\"", "'",    "]]",  "%41", "+",  "x.txt", "0"};
        std::string out;
        for (unsigned i = 0, n = 1 + below(6); i < n; ++i) out += pieces[below(std::size(pieces))];
        return out;
    }

    /// A text in one of its spellings.
    std::string text() {
        auto t = plain();
        if (chance(6) && t.find("]]>") == t.npos) return "<![CDATA[" + t + "<&>" + "]]>";
        std::string out;
        xml::escape(out, t);
        if (chance(6)) out += "<!-- & -->" + std::string("&#x20AC;&#65;");
        return out;
    }

    std::string element(const std::string& name, const std::string& content) {
        if (content.empty() && chance(2)) return "<" + name + (chance(2) ? " />" : "/>");
        return "<" + name + ">" + content + "</" + name + (chance(10) ? " >" : ">") + gap();
    }

    std::string date() {
        return to_http_date(wall_time(std::chrono::seconds(1'000'000'000 + below(400'000'000))));
    }

    std::string unknown() {
        return "<New a='>'><Name>not this</Name><Blob><Etag/></Blob>" + text() + "</New>";
    }

    std::string name() {
        if (chance(6))
            return "<Name Encoded=\"true\">" + encode_component(plain() + "\xEF\xBF\xBE\x01") + "</Name>";
        return element("Name", text());
    }

    std::string prefix() {
        return "<BlobPrefix>" + name() + (chance(3) ? "<Properties><Etag>1</Etag></Properties>" : "") +
               "</BlobPrefix>";
    }

    std::string blob() {
        std::string out = "<Blob>" + name();
        if (chance(4)) out += "<Snapshot>2026-01-01T00:00:00.0000000Z</Snapshot>";
        if (chance(4)) out += "<VersionId>v</VersionId><IsCurrentVersion>true</IsCurrentVersion>";
        if (chance(4)) out += "<Deleted>true</Deleted>";
        if (chance(4)) out += unknown();
        out += "<Properties>" + gap();
        out += element("Content-Length", std::to_string(random_() >> below(64)));
        if (!chance(5)) out += element("Creation-Time", date());
        if (!chance(5)) out += element("Last-Modified", date());
        if (!chance(5)) out += element("Etag", "0x8D" + std::to_string(below(1000)));
        for (const char* n :
             {"Content-Type", "Content-Encoding", "Content-Language", "Content-MD5", "Content-Disposition",
              "Cache-Control", "AccessTier", "LeaseStatus", "LeaseState", "CopyId", "CopyStatus",
              "CopyProgress", "CopyStatusDescription", "Content-CRC64", "ServerEncrypted"}) {
            if (chance(2)) out += element(n, chance(3) ? "" : text());
        }
        static const char* types[] = {"BlockBlob", "AppendBlob", "PageBlob"};
        if (!chance(4)) out += element("BlobType", types[below(3)]);
        if (chance(6)) out += element("ResourceType", chance(2) ? "directory" : "file");
        if (chance(4)) out += unknown();
        out += "</Properties>";
        if (chance(2)) {
            out += "<Metadata>";
            if (chance(3)) out += "<hdi_isfolder>true</hdi_isfolder>";
            if (chance(2)) out += element("Mtime", text()) + element("k_2", "");
            out += "</Metadata>";
        } else if (chance(2)) {
            out += "<Metadata />";
        }
        if (chance(3))
            out += "<Tags><TagSet><Tag><Key>k</Key><Value>" + text() + "</Value></Tag>" + gap() +
                   "<Tag><Key>l</Key><Value/></Tag></TagSet></Tags>";
        if (chance(4)) out += "<OrMetadata><x>1</x></OrMetadata>";
        return out + "</Blob>";
    }

    std::mt19937_64 random_;
};

TEST(listing, agrees_with_a_document_tree_on_random_listings) {
    for (unsigned seed = 0; seed < 150; ++seed) {
        auto text = generator(seed).document(static_cast<int>(seed % 20));
        std::string marker;
        auto wanted = oracle(text, marker);
        for (std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
            auto got = scan(text, piece);
            ASSERT_TRUE(got.ended) << seed << text;
            ASSERT_EQ(got.items, wanted) << text;
            ASSERT_EQ(got.marker, marker);
        }
    }
}

TEST(listing, a_chunk_may_end_anywhere) {
    auto text = generator(77).document(12);
    auto whole = scan(text);
    ASSERT_TRUE(whole.ended);
    for (std::size_t at = 1; at < text.size(); ++at) {
        auto got = scan(text, 0, at);
        ASSERT_TRUE(got.ended) << at;
        ASSERT_EQ(got.items, whole.items) << at;
        ASSERT_EQ(got.marker, whole.marker) << at;
    }
}

TEST(listing, a_listing_cut_short_is_an_error_at_every_byte) {
    auto text = generator(78).document(6);
    while (text.back() != '>' || !text.ends_with("</EnumerationResults>")) text.pop_back();
    for (std::size_t n = 0; n < text.size(); ++n) {
        auto got = scan(std::string_view(text).substr(0, n));
        ASSERT_FALSE(got.ended) << n;
        ASSERT_EQ(got.ended.error().kind(), kind::protocol);
    }
}

TEST(listing, damaged_documents_give_errors_or_entries_but_never_worse) {
    std::mt19937 random(5);
    auto text = generator(79).document(8);
    for (int round = 0; round < 1500; ++round) {
        auto broken = text;
        for (int i = 0; i < 3; ++i) broken[random() % broken.size()] = "<>/&;\"'!-[] a\0"[random() % 14];
        auto got = scan(broken, random() % 3 == 0 ? 1 + random() % 50 : 0);
        if (!got.ended) ASSERT_EQ(got.ended.error().kind(), kind::protocol);
    }
}

const std::string head = "<EnumerationResults><Blobs>";
const std::string tail = "</Blobs><NextMarker/></EnumerationResults>";
const std::string size = "<Properties><Content-Length>1</Content-Length></Properties>";

TEST(listing, what_is_wrong_is_said) {
    struct row {
        std::string text;
        const char* says;
    };
    for (const auto& [text, says] : std::initializer_list<row>{
             {"<html><body>login</body></html>", "<html>"},
             {"<Error><Code>x</Code></Error>", "<Error>"},
             {"<!DOCTYPE html>", "document type"},
             {"plain", "outside"},
             {"", "cut short"},
             {head + "<Blob><Name>a</Name></Blob>" + tail, "Content-Length"},
             {head + "<Blob>" + size + "</Blob>" + tail, "without a name"},
             {head + "<BlobPrefix/>" + tail, "without a name"},
             {head + "<Blob><Name>a</Nam></Blob>" + tail, "closes another"},
             {head + "<Blob><Name>&bad;</Name>" + size + "</Blob>" + tail, "entity"},
             {head + "<Blob><Name Encoded=\"true\">%zz</Name>" + size + "</Blob>" + tail, "does not decode"},
             {head +
                  "<Blob><Name>a</Name><Properties><Content-Length>1x</Content-Length></Properties></Blob>" +
                  tail,
              "no number"},
             {head +
                  "<Blob><Name>a</Name><Properties><Content-Length>1</Content-Length><Last-Modified>now</"
                  "Last-Modified>"
                  "</Properties></Blob>" +
                  tail,
              "Last-Modified"},
             {head + tail + "<more/>", "second root"},
             {head + tail + "text", "outside"},
             {head + "<" + std::string(200'000, 'x'), "endless tag"},
             {head + "<!-- " + std::string(200'000, 'x'), "endless tag"},
             {head + "<Blob><Name>" + std::string(2'000'000, 'x'), "endless text"},
         }) {
        auto got = scan(text, 30'000);
        ASSERT_FALSE(got.ended) << text.substr(0, 200);
        EXPECT_EQ(got.ended.error().kind(), kind::protocol);
        EXPECT_NE(got.ended.error().message().find(says), std::string::npos) << got.ended.error().message();
        EXPECT_FALSE(got.ended.error().advice().empty());
    }
    std::string deep = head;
    for (int i = 0; i < 100; ++i) deep += "<x>";
    EXPECT_NE(scan(deep).ended.error().message().find("deep"), std::string::npos);
}

TEST(listing, an_error_stays) {
    listing_scanner s;
    EXPECT_FALSE(s.feed("<html>"));
    EXPECT_FALSE(s.feed(head + tail));
    EXPECT_FALSE(s.finish());
}

TEST(listing, items_can_be_taken_on_the_way_and_memory_stays_small) {
    listing_scanner s;
    ASSERT_TRUE(s.feed(head));
    std::size_t seen = 0, largest = 0;
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_TRUE(s.feed("<Blob><Name>" + std::to_string(i) + "</Name>" + size + "</Blob>"));
        seen += s.items().size();
        s.items().clear();
        if (i % 1000 == 0) largest = std::max(largest, s.prepare(1000).size());
    }
    ASSERT_TRUE(s.feed(tail));
    ASSERT_TRUE(s.finish());
    EXPECT_EQ(seen, 20'000u);
    EXPECT_LT(largest, 64u * 1024);
}

TEST(listing, an_empty_page_with_a_marker) {
    auto got = scan("<EnumerationResults><Blobs/><NextMarker>2!x&amp;y</NextMarker></EnumerationResults>");
    ASSERT_TRUE(got.ended);
    EXPECT_TRUE(got.items.empty());
    EXPECT_EQ(got.marker, "2!x&y");
}

}  // namespace
}  // namespace act::blob
