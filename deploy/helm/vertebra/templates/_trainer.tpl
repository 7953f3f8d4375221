{{- /* The trainer's container: of a host that runs jobs, and of a pod that answers callers. */ -}}
{{- define "vertebra.trainerContainer" -}}
{{- $trainer := .values -}}
{{- $runsJobs := eq .component "trainer" -}}
{{- $name := include "vertebra.name" .root -}}
{{- $tls := .root.Values.tls -}}
{{- $paths := list "/var/lib/vertebra/images" -}}
{{- range $trainer.data }}{{- $paths = append $paths .mountPath -}}{{- end -}}
- name: trainer
  {{- include "vertebra.container" . | nindent 2 }}
  {{- if $runsJobs }}
  # Process 1 starts the API again when it ends or hangs, and leaves running jobs alone. So there is
  # no livenessProbe: a kubelet would end the jobs, too.
  args:
    - --live-of=VERTEBRA_TRAINER_ADMIN_LISTEN
    - --grace-s={{ add (int $trainer.graceSeconds) 60 }}
    - --others-grace-s=30
    - --
    - python
    - -m
    - trainer_service
  {{- else }}
  command: [python, -m, trainer_service]
  {{- end }}
  env:
    - {name: VERTEBRA_TRAINER_LISTEN, value: "{{ include "vertebra.anywhere" .root }}:50552"}
    - {name: VERTEBRA_TRAINER_ADMIN_LISTEN, value: "{{ include "vertebra.anywhere" .root }}:50562"}
    - {name: VERTEBRA_TRAINER_HOME, value: /var/lib/vertebra}
    - {name: VERTEBRA_TRAINER_CATALOG, value: "{{ $name }}-catalog:50551"}
    - {name: VERTEBRA_TRAINER_DATA_ROOTS, value: {{ join ":" $paths | quote }}}
    {{- if $runsJobs }}
    - {name: VERTEBRA_TRAINER_DEVICE, value: {{ $trainer.device }}}
    - {name: VERTEBRA_TRAINER_GRACE_S, value: {{ $trainer.graceSeconds | quote }}}
    # A pod that ends takes its workers along: they save first, and another host may go on.
    - {name: VERTEBRA_TRAINER_ON_STOP, value: preempt}
    {{- else }}
    - {name: VERTEBRA_TRAINER_DEVICE, value: cpu}
    - {name: VERTEBRA_TRAINER_SUPERVISE, value: "false"}
    {{- end }}
    {{- if $trainer.shared.existingClaim }}
    - {name: VERTEBRA_TRAINER_ARTIFACTS, value: /var/lib/vertebra-shared/artifacts}
    - {name: VERTEBRA_TRAINER_BLOBS, value: /var/lib/vertebra-shared/blobs}
    {{- end }}
    {{- include "vertebra.databaseUrl" . | nindent 4 }}
    {{- include "vertebra.doors" . | nindent 4 }}
    {{- if .secret }}
    - {name: VERTEBRA_TRAINER_CATALOG_CA, value: /etc/vertebra/tls/ca.crt}
    {{- if $tls.mutual }}
    - {name: VERTEBRA_TRAINER_CATALOG_CERT, value: /etc/vertebra/tls/tls.crt}
    - {name: VERTEBRA_TRAINER_CATALOG_KEY, value: /etc/vertebra/tls/tls.key}
    {{- end }}
    {{- end }}
    {{- if $trainer.catalogToken.secretName }}
    - {name: VERTEBRA_TRAINER_CATALOG_TOKEN_FILE, value: /etc/vertebra/catalog-token/{{ $trainer.catalogToken.key }}}
    {{- end }}
    {{- include "vertebra.settings" . | nindent 4 }}
  ports:
    - {containerPort: 50552, name: grpc}
    - {containerPort: 50562, name: admin}
  {{- include "vertebra.lifecycle" . | nindent 2 }}
  startupProbe:
    httpGet: {path: /ready, port: admin}
    periodSeconds: 5
    failureThreshold: 60
  readinessProbe:
    httpGet: {path: /ready, port: admin}
    periodSeconds: 5
    timeoutSeconds: 5
  {{- if not $runsJobs }}
  livenessProbe:
    httpGet: {path: /live, port: admin}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  {{- end }}
  volumeMounts:
    - {name: home, mountPath: /var/lib/vertebra}
    - {name: tmp, mountPath: /tmp}
    {{- if $runsJobs }}
    - {name: shm, mountPath: /dev/shm}
    {{- end }}
    {{- if $trainer.shared.existingClaim }}
    - {name: shared, mountPath: /var/lib/vertebra-shared}
    {{- end }}
    {{- range $trainer.data }}
    - {name: {{ .name }}, mountPath: {{ .mountPath }}, readOnly: true}
    {{- end }}
    {{- include "vertebra.fileMounts" . | nindent 4 }}
    {{- include "vertebra.doorMounts" . | nindent 4 }}
    {{- if $trainer.catalogToken.secretName }}
    - {name: catalog-token, mountPath: /etc/vertebra/catalog-token, readOnly: true}
    {{- end }}
{{- end -}}

{{- define "vertebra.trainerVolumes" -}}
- name: tmp
  emptyDir: {}
{{- with .values.shared.existingClaim }}
- name: shared
  persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- range .values.data }}
- name: {{ .name }}
  persistentVolumeClaim: {claimName: {{ .claimName }}, readOnly: true}
{{- end }}
{{- include "vertebra.fileVolumes" . }}
{{- include "vertebra.doorVolumes" . }}
{{- with .values.catalogToken.secretName }}
- name: catalog-token
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end -}}
