{{- /* Arguments: a dict with `root`, `component` (its name), `target` (whose pods) and `port`. */ -}}
{{- define "vertebra.service" -}}
{{- $name := printf "%s-%s" (include "vertebra.name" .root) .component -}}
{{- $mesh := .root.Values.mesh -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels:
    {{- include "vertebra.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "vertebra.selector" (dict "root" .root "component" .target) | nindent 4 }}
  ports:
    # Without the protocol a proxy balances connections, not calls: one pod gets all streams.
    - name: grpc
      port: {{ .port }}
      targetPort: grpc
      appProtocol: {{ if eq $mesh "gateway" }}kubernetes.io/h2c{{ else }}grpc{{ end }}
{{- if and (eq $mesh "none") (ne .component "gateway") }}
---
# For gRPC clients that balance by themselves: dns:///{{ $name }}-pods:{{ .port }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}-pods
  labels:
    {{- include "vertebra.labels" . | nindent 4 }}
spec:
  clusterIP: None
  selector:
    {{- include "vertebra.selector" (dict "root" .root "component" .target) | nindent 4 }}
  ports:
    - {name: grpc, port: {{ .port }}, targetPort: grpc, appProtocol: grpc}
{{- end }}
{{- end -}}
