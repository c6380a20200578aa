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
scanned scan(std::string_view text, std::size_t piece = 0, std::size_t first = 0,
             detail wanted = detail::full) {
    listing_scanner s(wanted);
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

/// Entries as the service writes them: of one form, alike, now and then a little different, or of another
/// form.
class alike {
public:
    explicit alike(unsigned seed) : random_(seed) {}

    std::string document(int entries) {
        std::string out = "<EnumerationResults><Blobs>";
        for (int i = 0; i < entries; ++i) out += entry(i);
        return out + "</Blobs><NextMarker /></EnumerationResults>";
    }
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

private:
    bool chance(unsigned one_in) { return below(one_in) == 0; }
    std::string leaf(const std::string& name, const std::string& text) {
        switch (below(60)) {
            case 0:
                return "";
            case 1:
                return "<" + name + "></" + name + ">";
            case 2:
                return "<" + name + "/>";
            case 3:
                return "<" + name + " a=\"b\">" + text + "</" + name + ">";
            case 4:
                return "<" + name + ">&amp;" + text + "</" + name + ">";
            case 5:
                return "<" + name + "><![CDATA[" + text + "]]></" + name + ">";
            case 6:
                return "<" + name + ">" + text + "</" + name + ">" + "<" + name + ">" + text + "</" + name +
                       " >";
            case 7:
                return "<" + name + ">" + text + "<x>y</x></" + name + ">";
            case 8:
                return "\n<!-- -->";
            default:
                return text.empty() ? "<" + name + " />" : "<" + name + ">" + text + "</" + name + ">";
        }
    }

    std::string entry(int i) {
        if (chance(10)) date_ = to_http_date(wall_time(std::chrono::seconds(1'700'000'000 + below(1000))));
        if (chance(10)) md5_ = chance(2) ? "" : "1B2M2Y8AsgTpgAmY7PhCf" + std::to_string(below(10)) + "==";
        if (chance(12)) {
            metadata_.clear();
            for (const char* key : {"mode", "Mtime", "hdi_isfolder", "HDI_isFolder", "x-ms-invalid-name"}) {
                if (chance(2)) metadata_ += leaf(key, chance(2) ? "true" : std::to_string(below(100'000)));
            }
        }
        std::string out = chance(20) ? "<Blob >" : "<Blob>";
        out += leaf("Name", "many/" + std::to_string(i * 7) + (chance(5) ? "\xC3\xBC" : "") + ".jpg");
        if (chance(15)) out += leaf("Snapshot", "2026-01-01T00:00:00.0000000Z");
        out += "<Properties>" + leaf("Creation-Time", date_) + leaf("Last-Modified", date_);
        out += leaf("Etag", chance(20) ? "" : "0x8D" + std::to_string(below(1000)));
        out += leaf("Content-Length", std::to_string(below(12'000)));
        out += leaf("Content-Type", "application/octet-stream") + leaf("Content-Encoding", "");
        out += leaf("Content-MD5", md5_) + leaf("BlobType", chance(9) ? "PageBlob" : "BlockBlob");
        out += leaf("AccessTier", "Hot") + leaf("AccessTierInferred", "true") + leaf("Unknown", "x");
        if (chance(15)) out += leaf("ResourceType", chance(2) ? "directory" : "file");
        out += leaf("LeaseState", "available") + "</Properties>";
        out +=
            metadata_.empty() ? (chance(2) ? "<Metadata />" : "") : "<Metadata>" + metadata_ + "</Metadata>";
        if (chance(20)) out += "<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>";
        return out + "<OrMetadata /></Blob>";
    }

    std::mt19937 random_;
    std::string date_ = "Sun, 22 Nov 2026 05:48:52 GMT", md5_, metadata_;
};

/// The same for a reader, but none of it is compared with what came before.
std::string tag_by_tag(std::string text) {
    constexpr std::string_view opening = "<Blob>";
    for (std::size_t at = 0; (at = text.find(opening, at)) != text.npos;)
        text.replace(at, opening.size(), "<Blob >");
    return text;
}

void expect_same(const scanned& got, const scanned& wanted, const std::string& text) {
    ASSERT_EQ(got.ended.has_value(), wanted.ended.has_value()) << text;
    ASSERT_EQ(got.items, wanted.items) << text;
    ASSERT_EQ(got.marker, wanted.marker) << text;
    if (!got.ended) ASSERT_EQ(got.ended.error().message(), wanted.ended.error().message()) << text;
}

TEST(listing, entries_read_by_their_likeness_are_those_read_tag_by_tag) {
    for (unsigned seed = 0; seed < 120; ++seed) {
        const auto text = alike(seed).document(static_cast<int>(seed % 30));
        for (detail wanted : {detail::full, detail::etag, detail::brief}) {
            const auto expected = scan(tag_by_tag(text), 0, 0, wanted);
            for (std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{700}, std::size_t{4096}}) {
                expect_same(scan(text, piece, 0, wanted), expected, text);
            }
        }
    }
}

TEST(listing, a_chunk_may_end_anywhere_between_entries_that_are_alike) {
    std::string text;
    scanned expected;
    for (unsigned seed = 0; text.empty() || !expected.ended; ++seed) {
        text = alike(seed).document(8);
        expected = scan(tag_by_tag(text));
    }
    ASSERT_EQ(expected.items.size(), 8u);
    for (std::size_t at = 1; at < text.size(); ++at)
        expect_same(scan(text, 0, at), expected, text.substr(0, at));
}

TEST(listing, damaged_entries_that_are_alike_are_read_as_tag_by_tag) {
    std::mt19937 random(6);
    for (int round = 0; round < 2000; ++round) {
        auto text = alike(static_cast<unsigned>(round)).document(6);
        for (int i = 0; i < 3; ++i) text[random() % text.size()] = "<>/&;\"'!-[] a\0B"[random() % 15];
        const auto wanted = static_cast<detail>(random() % 3);
        const auto expected = scan(tag_by_tag(text), 0, 0, wanted);
        expect_same(scan(text, random() % 3 == 0 ? 1 + random() % 900 : 0, 0, wanted), expected, text);
    }
}

TEST(listing, a_brief_one_keeps_flags_and_leaves_out_what_it_says) {
    const std::string text =
        "<EnumerationResults><Blobs>"
        "<Blob><Name>a</Name><Properties><Creation-Time>Sun, 22 Nov 2026 05:48:52 GMT</Creation-Time>"
        "<Last-Modified>Sun, 22 Nov 2026 05:48:53 GMT</Last-Modified><Etag>0x1</Etag>"
        "<Content-Length>7</Content-Length><Content-Type>t</Content-Type><BlobType>PageBlob</BlobType>"
        "<AccessTier>Hot</AccessTier><LeaseState>leased</LeaseState><CopyStatus>pending</CopyStatus></"
        "Properties>"
        "<Metadata><HDI_isfolder>true</HDI_isfolder><k>v</k></Metadata>"
        "<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags></Blob>"
        "<Blob><Name>b</Name><Snapshot>s</Snapshot><Properties><Content-Length>1</Content-Length></"
        "Properties>"
        "</Blob></Blobs><NextMarker /></EnumerationResults>";
    for (detail wanted : {detail::brief, detail::etag}) {
        listing_scanner s(wanted, 5000);
        ASSERT_TRUE(s.feed(text));
        ASSERT_TRUE(s.finish());
        ASSERT_EQ(s.items().size(), 2u);
        const properties& a = s.items()[0];
        EXPECT_EQ(a.etag.text, wanted == detail::etag ? "\"0x1\"" : "");
        EXPECT_EQ(a.size, 7u);
        EXPECT_EQ(to_iso8601(a.modified), "2026-11-22T05:48:53Z");
        EXPECT_EQ(a.type, blob_type::page);
        EXPECT_EQ(a.copy_status, "pending");
        EXPECT_TRUE(a.is_directory);
        EXPECT_FALSE(a.uncommitted);
        EXPECT_FALSE(a.created);
        EXPECT_TRUE(a.metadata.empty() && a.tags.empty() && a.tier.empty() && a.lease_state.empty());
        EXPECT_TRUE(a.content.type.empty());
        EXPECT_TRUE(s.items()[1].uncommitted);
        EXPECT_EQ(s.items()[1].snapshot, "s");
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
