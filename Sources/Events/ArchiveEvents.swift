package import Bytes

/// A file of the log that lies in an archive.
package struct ArchivedSegment: Record {
  /// Its first event, by which it is named.
  package var segment: EventID
  /// How many events it holds.
  package var events: Int
  /// Its length.
  package var bytes: Int
  /// SHA-256 of the whole file.
  package var digest: HexDigest

  package init(segment: EventID, events: Int, bytes: Int, digest: HexDigest) {
    self.segment = segment
    self.events = events
    self.bytes = bytes
    self.digest = digest
  }
}

extension ArchivedSegment {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    bytes = try reader.required("bytes")
    events = try reader.required("events")
    segment = try reader.required("segment")
    digest = try reader.required("sha256")
  }

  package func check() throws(EventError) {
    try Check.integer("events", events, from: 0)
    try Check.integer("bytes", bytes, from: 0)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("bytes", bytes)
    writer.set("events", events)
    writer.set("segment", segment)
    writer.set("sha256", digest)
  }
}

/// `ledger.archived.v1`: segments were copied to an archive.
///
/// Of more than 256 segments there are several of these events.
package struct LedgerArchived: EventData {
  package static let type = EventType.ledgerArchived

  package var archiveID: EntityID
  /// The date that was asked for: whole segments recorded before it.
  package var before: Instant
  /// The first event archived.
  package var first: EventID
  /// The last one.
  package var last: EventID
  /// The root of events 0 up to and with `last`.
  package var root: TreeRoot
  /// The files, ascending by `segment`; 1 to 256.
  package var segments: [ArchivedSegment]
  /// SHA-256 of the snapshot of views and keys as of the cut.
  package var snapshot: HexDigest

  package init(
    archiveID: EntityID, before: Instant, first: EventID, last: EventID, root: TreeRoot,
    segments: [ArchivedSegment], snapshot: HexDigest
  ) {
    self.archiveID = archiveID
    self.before = before
    self.first = first
    self.last = last
    self.root = root
    self.segments = segments.sorted { $0.segment < $1.segment }
    self.snapshot = snapshot
  }

  package var subject: Subject { .ledger }
}

extension LedgerArchived {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    archiveID = try reader.required("archive_id")
    before = try reader.required("before")
    first = try reader.required("first")
    last = try reader.required("last")
    root = try reader.required("root")
    segments = try reader.required("segments")
    snapshot = try reader.required("snapshot")
  }

  package func check() throws(EventError) {
    try Check.notEmpty("segments", segments)
    try Check.atMost(256, "segments", segments.count)
    try Check.ascending("segments", segments, by: \.segment)
    try Check.agreement("last", with: "first", first <= last)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("archive_id", archiveID)
    writer.set("before", before)
    writer.set("first", first)
    writer.set("last", last)
    writer.set("root", root)
    writer.set("segments", segments)
    writer.set("snapshot", snapshot)
  }
}

/// `ledger.attached.v1`: an archive was brought back beside the ledger.
package struct LedgerAttached: EventData {
  package static let type = EventType.ledgerAttached

  package var archiveID: EntityID
  /// The first event of it.
  package var first: EventID
  /// The last one.
  package var last: EventID
  package var reason: String?

  package init(archiveID: EntityID, first: EventID, last: EventID, reason: String? = nil) {
    self.archiveID = archiveID
    self.first = first
    self.last = last
    self.reason = reason
  }

  package var subject: Subject { .ledger }
}

extension LedgerAttached {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    archiveID = try reader.required("archive_id")
    first = try reader.required("first")
    last = try reader.required("last")
    reason = try reader.optional("reason")
  }

  package func check() throws(EventError) {
    try Check.agreement("last", with: "first", first <= last)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("archive_id", archiveID)
    writer.set("first", first)
    writer.set("last", last)
    writer.set("reason", reason)
  }
}

/// `ledger.disposed.v1`: an archived copy was destroyed, once nothing held it any more.
package struct LedgerDisposed: EventData {
  package static let type = EventType.ledgerDisposed

  package var archiveID: EntityID
  /// The first event destroyed.
  package var first: EventID
  /// The last one.
  package var last: EventID
  /// The root of events 0 up to and with `last`.
  package var root: TreeRoot
  /// The files, ascending by `segment`; 1 to 256.
  package var segments: [ArchivedSegment]
  package var reason: String

  package init(
    archiveID: EntityID, first: EventID, last: EventID, root: TreeRoot,
    segments: [ArchivedSegment], reason: String
  ) {
    self.archiveID = archiveID
    self.first = first
    self.last = last
    self.root = root
    self.segments = segments.sorted { $0.segment < $1.segment }
    self.reason = reason
  }

  package var subject: Subject { .ledger }
}

extension LedgerDisposed {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    archiveID = try reader.required("archive_id")
    first = try reader.required("first")
    last = try reader.required("last")
    reason = try reader.required("reason")
    root = try reader.required("root")
    segments = try reader.required("segments")
  }

  package func check() throws(EventError) {
    try Check.notEmpty("segments", segments)
    try Check.atMost(256, "segments", segments.count)
    try Check.ascending("segments", segments, by: \.segment)
    try Check.agreement("last", with: "first", first <= last)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("archive_id", archiveID)
    writer.set("first", first)
    writer.set("last", last)
    writer.set("reason", reason)
    writer.set("root", root)
    writer.set("segments", segments)
  }
}

/// `ledger.export-issued.v1`: an export was handed to somebody.
package struct LedgerExportIssued: EventData {
  package static let type = EventType.ledgerExportIssued

  package var exportID: EntityID
  /// `bundle`, `csv`, `jsonl`, … ; the list grows.
  package var format: CodeWord
  /// Events that it was made from.
  package var size: Int
  /// The root of these.
  package var root: TreeRoot
  /// SHA-256 of the file, or of its manifest.
  package var digest: HexDigest
  /// The file's length in bytes.
  package var length: Int
  /// What it was limited to, as given.
  package var filters: JSONObject?
  /// The body that it was for; names no person.
  package var issuedTo: String?
  package var reason: String?

  package init(
    exportID: EntityID, format: CodeWord, size: Int, root: TreeRoot, digest: HexDigest,
    length: Int, filters: JSONObject? = nil, issuedTo: String? = nil, reason: String? = nil
  ) {
    self.exportID = exportID
    self.format = format
    self.size = size
    self.root = root
    self.digest = digest
    self.length = length
    self.filters = filters
    self.issuedTo = issuedTo
    self.reason = reason
  }

  package var subject: Subject { .ledger }
}

extension LedgerExportIssued {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    exportID = try reader.required("export_id")
    filters = try reader.optional("filters")
    format = try reader.required("format")
    issuedTo = try reader.optional("issued_to")
    length = try reader.required("length")
    reason = try reader.optional("reason")
    root = try reader.required("root")
    digest = try reader.required("sha256")
    size = try reader.required("size")
  }

  package func check() throws(EventError) {
    try Check.integer("size", size, from: 0)
    try Check.integer("length", length, from: 0)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("export_id", exportID)
    writer.set("filters", filters)
    writer.set("format", format)
    writer.set("issued_to", issuedTo)
    writer.set("length", length)
    writer.set("reason", reason)
    writer.set("root", root)
    writer.set("sha256", digest)
    writer.set("size", size)
  }
}

/// `ledger.correction-recorded.v1`: an event is known to be wrong; it stays as it is, and this says
/// what is right.
package struct LedgerCorrectionRecorded: EventData {
  package static let type = EventType.ledgerCorrectionRecorded

  /// The event that is wrong; an earlier one.
  package var event: EventID
  /// That event's subject.
  package var eventSubject: String
  /// What is wrong with it.
  package var reason: String
  /// The fields of its data that should have been otherwise, with the right values.
  package var correction: JSONObject?

  package init(
    event: EventID, eventSubject: String, reason: String, correction: JSONObject? = nil
  ) {
    self.event = event
    self.eventSubject = eventSubject
    self.reason = reason
    self.correction = correction
  }

  package var subject: Subject { .ledger }
}

extension LedgerCorrectionRecorded {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    correction = try reader.optional("correction")
    event = try reader.required("event")
    eventSubject = try reader.required("event_subject")
    reason = try reader.required("reason")
  }

  package func check() throws(EventError) {
    try Check.form("event_subject", .subject, Subject(eventSubject) != nil)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("correction", correction)
    writer.set("event", event)
    writer.set("event_subject", eventSubject)
    writer.set("reason", reason)
  }
}
