import Audit
import Bytes
package import EventLog
import Synchronization

/// Makes a file for bytes on their way: it has no name, and is gone with its last reference.
package typealias Scratch = () throws(StorageError) -> any StorageFile

/// One such file for many lanes, which any thread may use.
final class ScratchRoom: @unchecked Sendable {
  private let scratch: Scratch
  private let lock = Mutex(())
  private var file: (any StorageFile)?
  private var length: UInt64 = 0

  init(_ scratch: @escaping Scratch) { self.scratch = scratch }

  /// Keeps bytes.
  ///
  /// - Returns: Where they begin.
  func keep(_ bytes: [UInt8]) throws(ExportError) -> UInt64 {
    do throws(StorageError) {
      let (file, start) = try place(for: bytes.count)
      try file.writeFully(bytes, at: start)
      return start
    } catch {
      throw .storage(error)
    }
  }

  static let cut = StorageError(operation: .read, path: "a scratch file", code: 5)

  private func place(for count: Int) throws(StorageError) -> (any StorageFile, UInt64) {
    try lock.withLock { _ throws(StorageError) in
      let opened: any StorageFile
      if let file { opened = file } else { opened = try scratch() }
      file = opened
      defer { length += UInt64(count) }
      return Handed((opened, length))
    }.value
  }

  /// Gives bytes back that were kept, in place of what stands in `bytes`.
  func read(
    into bytes: inout [UInt8], from start: UInt64, count: Int
  ) throws(ExportError) {
    if bytes.count > count { bytes.removeSubrange(count...) }
    if bytes.count < count { bytes += repeatElement(0, count: count - bytes.count) }
    do throws(StorageError) {
      let read = try file?.readFully(into: &bytes, range: 0..<count, at: start) ?? 0
      // Who else writes a file without a name is hardly to be met; its end is no trap all the same.
      guard read == count else { throw Self.cut }
    } catch {
      throw .storage(error)
    }
  }
}

/// Records on their way, first in, first out: in memory while they are few, then in a file.
struct Lane {
  private let room: ScratchRoom
  private let capacity: Int
  private var buffer: [UInt8] = []
  /// What was kept, in its order: whole records.
  private var kept: [(start: UInt64, count: Int)] = []

  /// - Parameter capacity: Bytes that are held in memory.
  init(capacity: Int, in room: ScratchRoom) {
    self.room = room
    self.capacity = capacity
  }

  /// Puts a record of at most 2^32 - 1 bytes behind the others.
  mutating func append(_ tag: UInt8, _ record: RawSpan) throws(ExportError) {
    let count = UInt32(truncatingIfNeeded: record.byteCount)
    unsafe withUnsafeBytes(of: count.littleEndian) { unsafe buffer.append(contentsOf: $0) }
    buffer.append(tag)
    unsafe record.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
    guard buffer.count >= capacity else { return }
    kept.append((try room.keep(buffer), buffer.count))
    buffer.removeAll(keepingCapacity: true)
  }

  /// Puts a number behind the others.
  mutating func append(_ tag: UInt8, _ number: UInt64) throws(ExportError) {
    let bytes = unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0) }
    try append(tag, unsafe bytes.span.bytes)
  }

  /// A reader of all records; nothing may be appended any more.
  consuming func reader() -> LaneReader { LaneReader(room, kept, rest: buffer) }
}

/// Gives the records of a ``Lane`` back.
struct LaneReader {
  private let room: ScratchRoom
  private let kept: [(start: UInt64, count: Int)]
  private let rest: [UInt8]
  /// How many of the kept parts were read; all of them and the rest is one more.
  private var parts = 0
  private var next = 0
  /// Where the record that was read last stands, after its tag.
  private(set) var record = 0..<0
  private(set) var tag: UInt8 = 0
  private(set) var buffer: [UInt8] = []

  fileprivate init(
    _ room: ScratchRoom, _ kept: [(start: UInt64, count: Int)], rest: [UInt8]
  ) {
    self.room = room
    self.kept = kept
    self.rest = rest
  }

  /// Makes the next record stand in ``record`` of ``buffer``.
  ///
  /// - Returns: Whether there was one.
  mutating func read() throws(ExportError) -> Bool {
    while buffer.count - next < 5 {
      next = 0
      if parts < kept.count {
        try room.read(into: &buffer, from: kept[parts].start, count: kept[parts].count)
      } else if parts == kept.count {
        buffer = rest
      } else {
        record = 0..<0
        buffer = []
        return false
      }
      parts += 1
    }
    let count = Int(
      unsafe buffer.span.bytes.unsafeLoadUnaligned(fromByteOffset: next, as: UInt32.self)
        .littleEndian)
    tag = buffer[next + 4]
    guard next + 5 + count <= buffer.count else { throw .storage(ScratchRoom.cut) }
    record = next + 5..<next + 5 + count
    next = record.upperBound
    return true
  }
}
