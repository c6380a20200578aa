// The JavaScript SDK, unmodified: node sdk.mjs CHECK ENDPOINT FOLDER. Exits 0 when the check holds.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

// The SDK expects what Node has by itself since version 19; Debian 12 has 18.
globalThis.crypto ??= webcrypto;
const require = createRequire(process.env.ACT_PEERS + "/");
const { BlobServiceClient, StorageSharedKeyCredential, generateBlobSASQueryParameters, BlobSASPermissions,
        ContainerSASPermissions, newPipeline,
        ContainerClient, AnonymousCredential } = require("@azure/storage-blob");

const [check, endpoint, folder] = process.argv.slice(2);
const credential = new StorageSharedKeyCredential(process.env.ACT_TEST_ACCOUNT, process.env.ACT_TEST_KEY);
const service = new BlobServiceClient(endpoint, newPipeline(credential, { retryOptions: { maxTries: 1 } }));
const onAzurite = process.env.ACT_TEST_SERVER === "azurite";

function* filesBelow(root, below = "") {
    for (const entry of fs.readdirSync(path.join(root, below), { withFileTypes: true })) {
        const name = below ? below + "/" + entry.name : entry.name;
        if (entry.isDirectory()) yield* filesBelow(root, name);
        else yield name;
    }
}

async function refused(code, promise) {
    const error = await promise.then(() => assert.fail(`expected ${code}`), (e) => e);
    // An answer without a body has its code in a header only.
    assert.equal(error.code ?? error.details?.errorCode ?? error.response?.headers.get("x-ms-error-code"), code);
}

async function collect(pages) {
    const all = [];
    for await (const item of pages) all.push(item);
    return all;
}

const checks = {
    // Sends FOLDER/up, lists it, and writes what comes back to FOLDER/down.
    async tree(container) {
        const names = [...filesBelow(path.join(folder, "up"))];
        for (const name of names) {
            await container.getBlockBlobClient("in/" + name).uploadFile(path.join(folder, "up", name),
                { blockSize: 8 << 20, maxSingleShotSize: 4 << 20, concurrency: 4 });
        }
        const listed = await collect(container.listBlobsFlat({ prefix: "in/" }));
        assert.deepEqual(listed.map((b) => b.name.slice(3)).sort(), names.sort());
        for (const { name } of listed) {
            const target = path.join(folder, "down", name.slice(3));
            fs.mkdirSync(path.dirname(target), { recursive: true });
            await container.getBlobClient(name).downloadToFile(target);
        }
    },

    async properties(container) {
        const blob = container.getBlockBlobClient("a b/c");
        await blob.upload("text", 4, { metadata: { colour: "red" }, blobHTTPHeaders: { blobContentType: "text/x-test" },
            ...(onAzurite ? {} : { tags: { project: "one" } }) });
        const got = await blob.getProperties();
        assert.deepEqual([got.contentLength, got.contentType, got.metadata], [4, "text/x-test", { colour: "red" }]);
        const [listed] = await collect(container.listBlobsFlat({ includeMetadata: true, includeTags: !onAzurite }));
        assert.deepEqual([listed.name, listed.metadata], ["a b/c", { colour: "red" }]);
        if (!onAzurite) assert.deepEqual(listed.tags, { project: "one" });
        await refused("ConditionNotMet", blob.upload("x", 1, { conditions: { ifMatch: '"0x1"' } }));
        await refused("BlobNotFound", container.getBlobClient("nothing").download());
        await refused("ContainerNotFound", service.getContainerClient("nowhere").getBlobClient("f").getProperties());
    },

    async blocks(container) {
        const blob = container.getBlockBlobClient("blocks");
        const ids = ["a", "b", "c"].map((c) => Buffer.from(c.repeat(20)).toString("base64"));
        for (const id of ids) await blob.stageBlock(id, Buffer.from(id), id.length);
        const staged = await blob.getBlockList("uncommitted");
        assert.deepEqual(staged.uncommittedBlocks.map((b) => b.name).sort(), [...ids].sort());
        await blob.commitBlockList([ids[2], ids[0]]);
        assert.equal((await blob.downloadToBuffer()).toString(), ids[2] + ids[0]);
        await refused("InvalidBlockList", blob.commitBlockList([Buffer.from("z".repeat(20)).toString("base64")]));
    },

    async hierarchy(container) {
        for (const name of ["a/1", "a/b/2", "a-b", "c"]) await container.getBlockBlobClient(name).upload("", 0);
        const found = await collect(container.listBlobsByHierarchy("/"));
        assert.deepEqual(found.map((i) => `${i.kind} ${i.name}`).sort(), ["blob a-b", "blob c", "prefix a/"]);
        const pages = await collect(container.listBlobsFlat().byPage({ maxPageSize: 3 }));
        assert.deepEqual(pages.map((p) => p.segment.blobItems.length), [3, 1]);
    },

    async batch(container) {
        const blobs = [];
        for (let number = 0; number < 100; number++) {
            const blob = container.getBlockBlobClient(`odd #${number}?&+% é`);
            await blob.upload("", 0);
            blobs.push(blob);
        }
        const done = await service.getBlobBatchClient().deleteBlobs(blobs.map((b) => b.url), credential);
        assert.deepEqual([done.subResponsesSucceededCount, done.subResponsesFailedCount], [100, 0]);
        assert.deepEqual(await collect(container.listBlobsFlat()), []);
    },

    async copies(container) {
        const source = container.getBlockBlobClient("from");
        await source.upload("content", 7);
        const poller = await container.getBlobClient("to").beginCopyFromURL(source.url);
        assert.equal((await poller.pollUntilDone()).copyStatus, "success");
        const { snapshot } = await source.createSnapshot();
        await source.upload("changed", 7);
        assert.equal((await source.withSnapshot(snapshot).downloadToBuffer()).toString(), "content");
        if (onAzurite) return;
        const sas = generateBlobSASQueryParameters({ containerName: container.containerName, blobName: "from",
            permissions: BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() + 3600e3) }, credential);
        const put = container.getBlockBlobClient("put");
        await put.syncUploadFromURL(`${source.url}?${sas}`);
        assert.equal((await put.downloadToBuffer()).toString(), "changed");
        const id = Buffer.from("00000001").toString("base64");
        await put.stageBlockFromURL(id, `${source.url}?${sas}`, 2, 3);
        await put.commitBlockList([id]);
        assert.equal((await put.downloadToBuffer()).toString(), "ang");
    },

    async kinds(container) {
        const log = container.getAppendBlobClient("log");
        await log.create();
        for (const line of ["one", "two"]) await log.appendBlock(line, 3);
        assert.equal((await log.downloadToBuffer()).toString(), "onetwo");
        const disk = container.getPageBlobClient("disk");
        await disk.create(2048);
        await disk.uploadPages(Buffer.alloc(512, "x"), 512, 512);
        // The SDK's count is one less than the number of bytes.
        assert.deepEqual((await disk.getPageRanges()).pageRange, [{ offset: 512, count: 511 }]);
        const lease = log.getBlobLeaseClient();
        await lease.acquireLease(15);
        await refused("LeaseIdMissing", log.delete());
        await lease.releaseLease();
        await log.delete();
    },

    // A listing in columns, read by Apache's own code.
    async columns(container) {
        for (const [name, text, colour] of [["a/ü", "12345", "red"], ["b", "", undefined]])
            await container.getBlockBlobClient(name).upload(text, text.length, { metadata: colour ? { colour } : undefined });
        const sas = generateBlobSASQueryParameters({ containerName: container.containerName,
            permissions: ContainerSASPermissions.parse("rl"), expiresOn: new Date(Date.now() + 3600e3) }, credential);
        const answer = await fetch(`${container.url}?restype=container&comp=list&include=metadata&delimiter=/&${sas}`,
            { headers: { "x-ms-version": "2026-10-06", Accept: "application/vnd.apache.arrow.stream" } });
        if (onAzurite) {
            // As accounts that have no such thing.
            assert.equal(answer.headers.get("content-type"), "application/xml");
            return;
        }
        assert.equal(answer.headers.get("content-type"), "application/vnd.apache.arrow.stream");
        const table = require("apache-arrow").tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
        assert.equal(table.schema.metadata.get("NextMarker"), "");
        const [group, blob] = table.toArray().map((row) => row.toJSON());
        assert.deepEqual([table.numRows, group.Name, group.ResourceType, group.Etag], [2, "a/", "blobprefix", null]);
        const listed = (await collect(container.listBlobsFlat({ prefix: "b" })))[0].properties;
        assert.deepEqual(
            [blob.Name, blob["Content-Length"], blob["Last-Modified"], blob["Creation-Time"], blob.Etag, blob.BlobType,
             blob.AccessTierInferred, blob.ResourceType, blob.Metadata],
            ["b", 0n, +listed.lastModified, +listed.createdOn, listed.etag, "BlockBlob", true, null, undefined]);
    },

    async signature(container) {
        const blob = container.getBlockBlobClient("dir/a b#c");
        await blob.upload("signed", 6);
        const sas = (changes) => generateBlobSASQueryParameters({ containerName: container.containerName,
            blobName: "dir/a b#c", permissions: BlobSASPermissions.parse("r"),
            expiresOn: new Date(Date.now() + 3600e3), ...changes }, credential);
        const through = (query) => new ContainerClient(`${container.url}?${query}`, new AnonymousCredential(),
            { retryOptions: { maxTries: 1 } }).getBlobClient("dir/a b#c").downloadToBuffer();
        assert.equal((await through(sas({}))).toString(), "signed");
        for (const bad of [{ expiresOn: new Date(Date.now() - 3600e3) }, { permissions: BlobSASPermissions.parse("w") }]) {
            await assert.rejects(through(sas(bad)), (e) => e.statusCode === 403);
        }
    },
};

const container = service.getContainerClient("js-" + check);
await container.create();
await checks[check](container);
