/// Which entries of a folder are manifests.
package enum ManifestName {
    /// Files that end in `.yaml` or `.yml`, save hidden ones and what editors leave: `#x.yaml#`, `.#x.yaml`, `x.yaml~`,
    /// `.x.yaml.swp`, `4913`, `x.yaml.tmp`.
    package static func isManifest(_ name: String) -> Bool {
        guard !isHidden(name), !name.hasPrefix("#") else { return false }
        return name.hasSuffix(".yaml") || name.hasSuffix(".yml")
    }

    /// Hidden folders (`.git`, Kubernetes' `..2026_11_22`) are not read.
    package static func isHidden(_ name: String) -> Bool { name.hasPrefix(".") }
}
