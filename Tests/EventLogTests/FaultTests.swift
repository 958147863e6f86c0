import Bytes
import EventLog
import Simulation
import Testing

@Suite("A call to the disk fails")
struct FaultTests {
  @Test(
    "a head that another process makes at the same time is opened, or the reason why not is told")
  func headMadeMeanwhile() throws {
    let disk = Workload.finishedDisk()
    disk.remove("head")
    disk.faults[disk.operationCount + 1] = .error(17)
    #expect(throws: StorageError(operation: .open, path: "head", code: 2)) {
      _ = try Head.open(in: disk)
    }
    #expect(disk.trace.suffix(3) == ["open head", "open head", "open head"])
  }

  static let codes: [Int32] = [5, 28, 24]  // EIO, ENOSPC, EMFILE

  @Test(
    "at any call, once or for ever: no acknowledged event is lost, and unknown is said to be so")
  func everyCall() throws {
    for operation in CrashTests.operations {
      for code in Self.codes {
        for isForEver in [false, true] {
          let disk = SimulatedDisk()
          if isForEver {
            disk.faultForEver = (operation, .error(code))
          } else {
            disk.faults[operation] = .error(code)
          }
          var workload = Workload()
          workload.run(on: disk)
          try check(disk, workload, "errno \(code) at call \(operation), for ever: \(isForEver)")
        }
      }
    }
  }

  @Test("short writes, by one byte and by half, are finished by the next call")
  func shortWrites() throws {
    for limit in [1, 100, 400] {
      let disk = SimulatedDisk()
      disk.faultForEver = (0, .shortWrite(limit))
      var workload = Workload()
      workload.run(on: disk)
      #expect(workload.errors.isEmpty)
      #expect(try Workload.lines(disk) == workload.acknowledged)
    }
  }

  /// Opens what the failure left on a disk that works again, with the page cache and without.
  private func check(
    _ disk: SimulatedDisk, _ workload: Workload, _ what: String
  ) throws {
    for isPowerLost in [false, true] {
      let image = isPowerLost ? disk.crashImage { _ in false } : disk.copy()
      do {
        try Workload.openAndAppend(1, to: image)
      } catch {
        guard workload.acknowledged.isEmpty else { throw error }
        continue
      }
      let lines = try Workload.lines(image)
      let count = workload.acknowledged.count
      #expect(Array(lines.prefix(count)) == workload.acknowledged, "\(what)")
      #expect(try Workload.report(image).state == .clean, "\(what)")
      if case .notWritten? = workload.errors.first {
        #expect(lines.count == count + 1, "\(what): said to be absent, and there")
      }
    }
  }

  @Test("a segment's name that is in memory only is durable before anything in it is acknowledged")
  func nameInMemory() throws {
    let whole = Workload.finishedDisk(sizes: [6, 14])
    let trial = whole.copy()
    try roll(trial)
    let call = try #require(trial.trace.firstIndex(of: "synchronizeDirectory log"))
    let disk = whole.copy()
    disk.faults[call] = .error(5)
    #expect(throws: LogError.self) { try roll(disk) }
    try Workload.openAndAppend(1, to: disk)
    let image = disk.crashImage { _ in false }
    #expect(try Workload.open(image).size == 15)
  }

  /// Appends a commit that begins a segment.
  private func roll(_ disk: SimulatedDisk) throws(LogError) {
    var writer = try Workload.open(disk, segmentBytes: 400)
    _ = try writer.append([Workload.line(14)], time: writer.lastTime)
    try writer.synchronize()
  }

  @Test("a head that was made anew is durable before the log is written to")
  func newHead() throws {
    let disk = Workload.finishedDisk()
    disk.remove("head")
    _ = try Workload.open(disk).size
    let image = disk.crashImage { _ in false }
    #expect(try Workload.report(image).state == .clean)
    #expect(image.bytes(of: "head")?.count == 8_192)
  }

  @Test("a sync that fails makes the commit unknown and stops the writer")
  func failedSync() throws {
    let disk = Workload.finishedDisk()
    var writer = try Workload.open(disk)
    _ = try writer.append([Workload.line(14)], time: writer.lastTime)
    disk.faults[disk.operationCount] = .error(5)
    let failure = StorageError(
      operation: .synchronize, path: "log/0000000000000013.log", code: 5)
    #expect(synchronizeError(&writer) == .outcomeUnknown(failure))
    #expect(synchronizeError(&writer) == .writerStopped)
    #expect(appendError(&writer, [Workload.line(15)]) == .writerStopped)
  }

  @Test("a failed write after an unsynchronized commit makes that commit unknown, not absent")
  func failedWriteInGroup() throws {
    let disk = Workload.finishedDisk()
    var writer = try Workload.open(disk, segmentBytes: 1 << 20)
    _ = try writer.append([Workload.line(14)], time: writer.lastTime)
    disk.faults[disk.operationCount] = .error(28)
    let failure = StorageError(operation: .write, path: "log/0000000000000013.log", code: 28)
    #expect(appendError(&writer, [Workload.line(15)]) == .outcomeUnknown(failure))
  }

  @Test("limits are checked before anything is written")
  func limits() throws {
    let disk = Workload.finishedDisk()
    var writer = try Workload.open(disk, segmentBytes: 1 << 24)
    let before = disk.copy()
    let long = Array("{".utf8) + [UInt8](repeating: UInt8(ascii: "}"), count: 65_535)
    #expect(appendError(&writer, [long]) == .eventTooLong(bytes: 65_536))
    #expect(appendError(&writer, []) == .commitTooLarge(events: 0, bytes: 0))
    let lines = [[UInt8]](repeating: Array(long.dropLast()), count: 129)
    #expect(appendError(&writer, lines) == .commitTooLarge(events: 129, bytes: 129 * 65_536))
    for path in disk.paths { #expect(disk.bytes(of: path) == before.bytes(of: path)) }
    _ = try writer.append([Array(long.dropLast())], time: writer.lastTime)
    try writer.synchronize()
    #expect(try Workload.lines(disk).last?.count == 65_535)
  }

  @Test("a ledger at rest is pure text, and grep finds one event a line")
  func pureText() throws {
    let disk = Workload.finishedDisk()
    var events = 0
    for path in disk.paths where path.hasPrefix("log/") {
      let bytes = try #require(disk.bytes(of: path))
      #expect(bytes.last == UInt8(ascii: "\n"))
      #expect(bytes.allSatisfy { $0 == 0x0A || (0x20..<0x7F).contains($0) })
      for line in bytes.split(separator: 0x0A) where line.first == UInt8(ascii: "{") {
        #expect(Array(line) == Workload.line(UInt64(events)))
        events += 1
      }
    }
    #expect(events == 14)
  }
}

// A closure that captures a writer can't be compiled yet; so these stand in for `#expect(throws:)`.

private func appendError(_ writer: inout LogWriter, _ lines: [[UInt8]]) -> LogError? {
  do {
    _ = try writer.append(lines, time: writer.lastTime)
    return nil
  } catch {
    return error
  }
}

private func synchronizeError(_ writer: inout LogWriter) -> LogError? {
  do {
    try writer.synchronize()
    return nil
  } catch {
    return error
  }
}
