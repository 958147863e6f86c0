import Bytes
import Channels
import Dispatching
import Events
import Ledger
import OperatorCommands

/// What operators, gateways, providers and mail servers hand in.
enum InputTargets {
  static let all = [
    FuzzTarget("requests", limit: 34_000) { bytes in
      guard let request = try? DispatchRequest(parsing: bytes) else { return }
      let canonical = JSON.object(request.document).canonicalBytes
      promise((try? DispatchRequest(parsing: canonical)) == request, "a request reads otherwise")
      var drill = request
      drill.markAsTest()
      promise(drill.isTest, "a drill that isn't one")
    },
    FuzzTarget("catalogues", limit: 16_384) { catalogue($0) },
    FuzzTarget("commands", limit: 16_384) { commands($0) },
    FuzzTarget("openadr", limit: 16_384) { openADR($0) },
    FuzzTarget("results", limit: 16_384) { bytes in
      guard let text = try? CallInput.results(bytes, origin: "example.com/dr") else { return }
      promise(text.call.count > 0, "results without a result")
    },
    FuzzTarget("settings", limit: 8_192) { settings($0) },
  ]

  private static func catalogue(_ bytes: [UInt8]) {
    guard let catalogue = try? CatalogueDocument(parsing: bytes) else { return }
    let canonical = JSON.object(catalogue.document).canonicalBytes
    promise(
      (try? CatalogueDocument(parsing: canonical)) == catalogue, "a catalogue reads otherwise")
    var count = 0
    for index in 0..<catalogue.count { count += catalogue.part(index..<index + 1).count }
    promise(count == catalogue.count, "\(count) parts of \(catalogue.count)")
    _ = catalogue.part(0..<catalogue.count)
  }

  private static func commands(_ bytes: [UInt8]) {
    _ = try? CallInput.dropped(bytes)
    for line in bytes.split(separator: 0x0A, maxSplits: 16) {
      guard let command = try? Command(parsing: Array(line)) else { continue }
      let document = JSON.object(command.document).canonicalBytes
      promise((try? Command(parsing: document)) == command, "a command reads otherwise")
      promise(
        Command.canonicalBytes(of: [command]) == [0x5B] + document + [0x5D],
        "a call has other bytes than its command")
    }
  }

  private static func openADR(_ bytes: [UInt8]) {
    guard let document = try? OpenADRDocument(parsing: bytes),
      let type = EntityID("1")
    else { return }
    promise((try? OpenADRDocument(parsing: bytes)) == document, "two readings differ")
    for program in document.programs {
      _ = try? CatalogueDocument([
        "programs": [.object((try? program.entry(zone: "UTC", channels: ["sms"])) ?? [:])]
      ])
    }
    for event in document.events {
      guard event.window != .cancelled, let request = try? event.request(of: type) else { continue }
      promise(
        OpenADREvent.original(in: request.attributes) == event.original,
        "an event isn't kept as it was given")
      let original = Array(event.original.utf8)
      promise(
        (try? OpenADRDocument(parsing: original))?.events.map(\.id) == [event.id],
        "what was kept is another event")
    }
  }

  private static func settings(_ bytes: [UInt8]) {
    guard let settings = try? Configuration(parsing: bytes) else { return }
    for (_, channel) in settings.sorted {
      _ = (channel.identity, channel.runsCommand)
    }
    promise(settings.overlaid(by: settings) == settings, "settings over themselves are others")
    guard let json = try? JSON(parsing: bytes) else {
      fatalError("broken: settings that aren't JSON")
    }
    promise(
      (try? Configuration(parsing: json.canonicalBytes)) == settings, "settings read otherwise")
  }
}
