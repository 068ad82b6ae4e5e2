--- `:checkhealth tagout`: the program, the server of this session, and what the machine lacks.
local settings = require('tagout.settings')
local server = require('tagout.server')

local M = {}

local function output_of(command)
  local ran, done = pcall(function() return vim.system(command, { text = true }):wait(20000) end)
  if not ran then return nil, tostring(done) end
  if done.code ~= 0 and vim.trim(done.stdout or '') == '' then
    return nil, ('it ended with code %d: %s'):format(done.code, vim.trim(done.stderr or ''))
  end
  return done.stdout
end

local function with(word)
  return vim.list_extend(vim.deepcopy(server.command()), { word })
end

local function check_settings()
  vim.health.start('tagout: settings')
  local _, problems = settings.read()
  for _, problem in ipairs(problems) do
    vim.health.error(problem, 'see :help tagout-settings')
  end
  if #problems == 0 then vim.health.ok('vim.g.tagout is as it should be') end
  local configured = vim.lsp.config.tagout
  if not configured then
    vim.health.error('there is no configuration of the name tagout', 'put editors/nvim of tagout into runtimepath')
  elseif type(configured.cmd) == 'table' then
    vim.health.info('vim.lsp.config names another command: ' .. table.concat(configured.cmd, ' '))
  end
end

--- Whether the program can be used at all.
local function check_program()
  vim.health.start('tagout: program')
  local problem = server.problem()
  if problem then
    vim.health.error(problem)
    return false
  end
  local command = server.command()
  vim.health.ok(('%s can be executed'):format(vim.fn.exepath(command[1])))
  local text, failure = output_of(with('--version'))
  local version = text and vim.version.parse(vim.trim(text):match('[%d%.]+%S*$') or '')
  if not version then
    vim.health.error(('it does not say its version: %s'):format(failure or vim.trim(text or '')), 'install tagout again')
    return false
  end
  if vim.version.lt(version, server.OLDEST) then
    vim.health.warn(('version %s is older than %s'):format(version, server.OLDEST), 'update tagout')
  else
    vim.health.ok(('version %s'):format(version))
  end
  return true
end

local function check_session()
  vim.health.start('tagout: this session')
  vim.iter(server.stopped()):each(vim.health.error)
  if not vim.lsp.is_enabled('tagout') then
    vim.health.info('the server is not enabled; it is when a file is opened, unless vim.g.tagout.enable is false')
  end
  local overviews = require('tagout.overview')
  local all = overviews.all()
  if #all == 0 then
    return vim.health.warn('no server is attached', 'open a file of a project, or use :Tagout open FOLDER')
  end
  for _, one in ipairs(all) do
    local buffers = vim.tbl_count(one.client.attached_buffers)
    vim.health.ok(('attached to %s, for %s'):format(overviews.counted(buffers, 'buffer', 'buffers'), one.client.root_dir or '?'))
    if not overviews.is_told(one.client) then
      vim.health.warn('the server is older than this plugin: code actions only', 'update tagout, then :Tagout restart')
    end
    for _, workspace in ipairs(one.overview.workspaces or {}) do
      local index = vim.trim(workspace.index.state .. ' ' .. workspace.index.message)
      vim.health.info(('mode %s, %s, index %s'):format(workspace.mode, workspace.trust, index))
      if workspace.index.state == 'failed' then vim.health.warn('the index failed: ' .. workspace.index.message) end
      if workspace.trust ~= 'trusted' then vim.health.info('nothing in it is run before :Tagout trust') end
    end
  end
end

--- What `tagout doctor` says of the machine: a block for each thing that is missing says what adds it.
local function check_machine()
  vim.health.start('tagout: machine (tagout doctor)')
  local text, failure = output_of(with('doctor'))
  if not text then return vim.health.error('tagout doctor does not run: ' .. failure) end
  local block = nil
  local function flush()
    if block then vim.health.warn(block[1], table.concat(vim.list_slice(block, 2), '\n')) end
    block = nil
  end
  for line in vim.gsplit(text, '\n', { trimempty = true }) do
    local missing = line:match('^Missing: (.*)$')
    if missing then
      flush()
      block = { missing .. ' is missing' }
    elseif block and line:find('^%s') then
      table.insert(block, vim.trim(line))
    elseif line:find('^%S') then
      flush()
      local state = line:match('^%w+: (.*)$')
      if state == 'full' or state == 'ready' then
        vim.health.ok(line)
      else
        vim.health.info(line)
      end
    end
  end
  flush()
end

function M.check()
  check_settings()
  if check_program() then
    check_session()
    check_machine()
  else
    check_session()
  end
end

return M
