{{- /* Arguments of all: a dict with `root`, `component` and `values` (the component's own). */ -}}

{{- define "vertebra.podMetadata" -}}
{{- $mesh := .root.Values.mesh -}}
labels:
  {{- include "vertebra.labels" . | nindent 2 }}
  {{- if eq $mesh "istio" }}
  sidecar.istio.io/inject: "true"
  {{- end }}
annotations:
  {{- if eq $mesh "istio" }}
  # It starts before us and ends after us; its own drain is as long as ours and 15 seconds.
  sidecar.istio.io/nativeSidecar: "true"
  proxy.istio.io/config: |
    holdApplicationUntilProxyStarts: true
    terminationDrainDuration: {{ add .graceSeconds 15 }}s
    proxyMetadata:
      EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"
  {{- else if eq $mesh "linkerd" }}
  # No timeout.linkerd.io and no retry.linkerd.io: streams are long, and clients repeat what is safe.
  linkerd.io/inject: enabled
  config.alpha.linkerd.io/proxy-enable-native-sidecar: "true"
  config.linkerd.io/shutdown-grace-period: {{ add .graceSeconds 15 }}s
  {{- end }}
  {{- if ne .component "gateway" }}
  prometheus.io/scrape: "true"
  prometheus.io/path: /metrics
  prometheus.io/port: {{ .adminPort | quote }}
  {{- end }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "vertebra.podSpec" -}}
{{- $grace := int .graceSeconds -}}
{{- if eq .root.Values.mesh "istio" }}{{- $grace = add $grace 15 -}}{{- end -}}
serviceAccountName: {{ include "vertebra.name" .root }}-{{ .account | default .component }}
automountServiceAccountToken: false
# Without: variables for every service of the namespace, which look like settings.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $grace }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- if ne .component "trainer" }}
# On different nodes where there are some: one that is lost takes one along.
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "vertebra.selector" . | nindent 8 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "vertebra.container" -}}
image: {{ include "vertebra.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Endpoints are removed while we still answer. */ -}}
{{- define "vertebra.lifecycle" -}}
lifecycle:
  preStop:
    sleep: {seconds: 10}
{{- end -}}

{{- /* Who gets in: the same settings under the prefix of each service. `prefix`, `secret`. */ -}}
{{- define "vertebra.doors" -}}
{{- $values := .root.Values -}}
{{- if .secret }}
- {name: {{ .prefix }}_TLS_CERT, value: /etc/vertebra/tls/tls.crt}
- {name: {{ .prefix }}_TLS_KEY, value: /etc/vertebra/tls/tls.key}
{{- if $values.tls.mutual }}
- {name: {{ .prefix }}_TLS_CLIENT_CA, value: /etc/vertebra/tls/ca.crt}
{{- end }}
{{- else }}
- {name: {{ .prefix }}_PLAINTEXT, value: "true"}
{{- end }}
{{- if $values.access.secretName }}
- {name: {{ .prefix }}_ACCESS, value: /etc/vertebra/access/access.toml}
{{- end }}
{{- if $values.gateway.spiffeId }}
- {name: {{ .prefix }}_MESH_IDENTITIES, value: {{ $values.gateway.spiffeId | quote }}}
{{- end }}
{{- if $values.jwt.issuer }}
- {name: {{ .prefix }}_JWT_ISSUER, value: {{ $values.jwt.issuer | quote }}}
- {name: {{ .prefix }}_JWT_AUDIENCE, value: {{ $values.jwt.audience | quote }}}
- {name: {{ .prefix }}_JWT_KEYS, value: {{ $values.jwt.keys | quote }}}
{{- end }}
{{- end -}}

{{- define "vertebra.doorMounts" -}}
{{- if .secret }}
- {name: tls, mountPath: /etc/vertebra/tls, readOnly: true}
{{- end }}
{{- if .root.Values.access.secretName }}
- {name: access, mountPath: /etc/vertebra/access, readOnly: true}
{{- end }}
{{- end -}}

{{- define "vertebra.doorVolumes" -}}
{{- if .secret }}
- name: tls
  secret: {secretName: {{ .secret }}, defaultMode: 0440}
{{- end }}
{{- with .root.Values.access.secretName }}
- name: access
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{- /* `settings` under `prefix`, and what OpenTelemetry reads. */ -}}
{{- define "vertebra.settings" -}}
{{- $prefix := .prefix -}}
{{- range $name, $value := .values.settings }}
- {name: {{ $prefix }}_{{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- with .root.Values.traces }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with .values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "vertebra.fileMounts" -}}
{{- range .values.files }}
- {name: {{ .name }}, mountPath: {{ .mountPath }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "vertebra.fileVolumes" -}}
{{- range .values.files }}
- name: {{ .name }}
  {{- if .claimName }}
  persistentVolumeClaim: {claimName: {{ .claimName }}, readOnly: true}
  {{- else if .configMapName }}
  configMap: {name: {{ .configMapName }}}
  {{- else }}
  secret: {secretName: {{ .secretName }}, defaultMode: 0440}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "vertebra.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "vertebra.name" .root }}-{{ .component }}
  labels:
    {{- include "vertebra.labels" . | nindent 4 }}
  {{- with .values.serviceAccountAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

{{- define "vertebra.databaseUrl" -}}
{{- with .values.database.secretName }}
- name: {{ $.prefix }}_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: {{ $.values.database.key }}}
{{- end }}
{{- end -}}
