package import Bytes
package import Events

/// Where an event's line stands in the log.
package struct EventLocation: Hashable, Sendable {
  /// The segment, named by its first event.
  package var segment: EventID
  /// Where the line begins in it, in bytes.
  package var offset: UInt64
  /// The line's length in bytes, without its newline.
  package var length: Int

  package init(segment: EventID, offset: UInt64, length: Int) {
    self.segment = segment
    self.offset = offset
    self.length = length
  }

  init(_ row: inout Row) throws(ViewError) {
    segment = try row.next()
    offset = try row.next()
    length = try row.next()
  }
}

/// How much of the log the views have taken in.
package struct Cursor: Hashable, Sendable {
  /// The next event that they will read; so also how many they have read.
  package var next: EventID
  /// The root of the tree over all events before `next`.
  package var root: Digest
  /// The segment in which the commit of the last of them ended.
  package var segment: EventID
  /// Where it ended in it, in bytes.
  package var offset: UInt64

  package init(next: EventID, root: Digest, segment: EventID, offset: UInt64) {
    self.next = next
    self.root = root
    self.segment = segment
    self.offset = offset
  }

  init(_ row: inout Row) throws(ViewError) {
    next = try row.next()
    root = try row.next { (text: String) in Digest(hex: text.utf8) }
    segment = try row.next()
    offset = try row.next()
  }
}

/// What the views are, held against the log.
package enum ViewCondition: Hashable, Sendable {
  /// They hold all of the log.
  case current
  /// They hold the log up to a cursor; whoever catches up first sees whether the log's root there
  /// is the cursor's.
  case behind(Cursor)
  /// They hold as many events as the log has, but of another history: build them again.
  case otherRoot(Cursor)
  /// They hold more than the log: its end is lost.
  case ahead(Cursor)
  /// Nothing was ever made here.
  case absent
  /// Another release made them; `nil` where one of the two doesn't have the view at all.
  case otherVersion(view: String, found: Int?, wanted: Int?)
  /// The database can't be read; the error's remedy says whether building it again helps.
  case unreadable(ViewError)
}
